/// A GPU that is not there, whose work the processor does: only the time of kernels, launches and copies is that of the
/// GPU. Confined to the thread that computes.
@NullMarked
package io.moetier.lab.device.simulated;

import org.jspecify.annotations.NullMarked;
