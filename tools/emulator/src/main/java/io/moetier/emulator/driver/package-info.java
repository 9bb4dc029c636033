/// A CUDA driver in Java: what `libcuda` exports, for programs that use it and machines that have no GPU.
///
/// [EmulatedDriver] is the public face. One lock guards all state; calls come from any thread, and commands
/// run on the thread that calls. Device memory, pinned memory and handles belong to the driver.
@NullMarked
package io.moetier.emulator.driver;

import org.jspecify.annotations.NullMarked;
