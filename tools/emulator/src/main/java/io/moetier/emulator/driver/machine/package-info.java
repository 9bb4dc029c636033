/// All state of the driver: devices, contexts, handles, pinned memory; and what a function of the driver is.
///
/// One lock guards it. [Machine] holds it while a function runs.
@NullMarked
package io.moetier.emulator.driver.machine;

import org.jspecify.annotations.NullMarked;
