/// PTX on a processor without a GPU: a parser for what `nvcc` writes, and an interpreter that runs warps in lockstep.
///
/// [PtxModule] is a parsed text, [LoadedModule] one whose variables lie in a device's memory and whose kernels can be
/// launched. Parsed modules are immutable. A loaded one belongs, like the memory, to one thread at a time.
@NullMarked
package io.moetier.emulator.ptx;

import org.jspecify.annotations.NullMarked;
