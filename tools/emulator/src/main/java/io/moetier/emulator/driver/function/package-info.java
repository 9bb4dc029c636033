/// The functions that `libcuda` exports, by subject, and their table.
@NullMarked
package io.moetier.emulator.driver.function;

import org.jspecify.annotations.NullMarked;
