/// Benchmarks of the routines that decide how fast a token comes. `docs/profile.md` says how to run them.
///
/// A state allocates what it measures and gives it back when its trial ends; one thread of the benchmark calls it, and
/// the device has threads of its own.
@NullMarked
package io.moetier.bench;

import org.jspecify.annotations.NullMarked;
