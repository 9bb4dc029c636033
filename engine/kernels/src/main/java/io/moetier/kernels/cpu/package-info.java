/// The processor as a device, and the choice of what computes on it: plain loops, which are the truth, or loops in the
/// Vector API or in C.
@NullMarked
package io.moetier.kernels.cpu;

import org.jspecify.annotations.NullMarked;
