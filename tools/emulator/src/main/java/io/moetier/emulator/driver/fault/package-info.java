/// What goes wrong: statuses of CUDA, faults that are injected, and diagnostics in words.
@NullMarked
package io.moetier.emulator.driver.fault;

import org.jspecify.annotations.NullMarked;
