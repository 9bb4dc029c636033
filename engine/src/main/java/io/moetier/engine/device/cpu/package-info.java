/// The CPU backend: plain kernels, which are the truth, and Vector API kernels tested against them.
@NullMarked
package io.moetier.engine.device.cpu;

import org.jspecify.annotations.NullMarked;
