/// The memory of the emulated CUDA device: allocations at addresses that are no host addresses and never come again,
/// a limit, and what is needed to name a wrong access.
///
/// Nothing here is thread-safe: the emulated driver calls it under its one lock.
@NullMarked
package io.moetier.emulator.memory;

import org.jspecify.annotations.NullMarked;
