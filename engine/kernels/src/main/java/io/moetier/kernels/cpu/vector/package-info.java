/// The loops in the Vector API.
@NullMarked
package io.moetier.kernels.cpu.vector;

import org.jspecify.annotations.NullMarked;
