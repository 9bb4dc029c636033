/// Virtual time: what commands cost on a GPU that is not there. Constants with their sources, and no state.
@NullMarked
package io.moetier.emulator.driver.clock;

import org.jspecify.annotations.NullMarked;
