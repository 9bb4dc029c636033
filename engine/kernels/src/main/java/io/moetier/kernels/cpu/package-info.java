/// The CPU backend: plain kernels, which are the truth, and Vector API kernels tested against them.
@NullMarked
package io.moetier.kernels.cpu;

import org.jspecify.annotations.NullMarked;
