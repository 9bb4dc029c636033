/// Runs kernels, a warp at a time and in lockstep: blocks, memory, exchanges between lanes, faults, counters.
///
/// [LoadedModule] is a parsed module whose variables lie in a device's memory and whose kernels can be launched. It
/// belongs, like the memory, to one thread at a time.
@NullMarked
package io.moetier.emulator.ptx.run;

import org.jspecify.annotations.NullMarked;
