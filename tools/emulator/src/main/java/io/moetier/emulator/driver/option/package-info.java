/// What the emulated driver is: its devices, the order of commands, what they cost.
@NullMarked
package io.moetier.emulator.driver.option;

import org.jspecify.annotations.NullMarked;
