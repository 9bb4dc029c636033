/// Streams and events: which command runs next, and when it ran in virtual time.
///
/// Nothing here is thread-safe: the driver calls it under its one lock, and commands run on the thread that
/// calls.
@NullMarked
package io.moetier.emulator.driver.stream;

import org.jspecify.annotations.NullMarked;
