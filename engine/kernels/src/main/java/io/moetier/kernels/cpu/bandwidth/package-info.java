/// How fast memory is read.
@NullMarked
package io.moetier.kernels.cpu.bandwidth;

import org.jspecify.annotations.NullMarked;
