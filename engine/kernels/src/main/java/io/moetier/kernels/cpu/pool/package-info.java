/// The threads of the processor, and how work is cut into parts for them.
@NullMarked
package io.moetier.kernels.cpu.pool;

import org.jspecify.annotations.NullMarked;
