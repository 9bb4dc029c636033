/// The loops inside the kernels: what every kind of them offers, the memory that a thread works in, and the plain
/// ones, which are the truth.
@NullMarked
package io.moetier.kernels.cpu.arithmetic;

import org.jspecify.annotations.NullMarked;
