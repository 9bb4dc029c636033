/// The CPU backend: plain kernels, which are the truth, and kernels in the Vector API and in C tested against them.
@NullMarked
package io.moetier.kernels.cpu;

import org.jspecify.annotations.NullMarked;
