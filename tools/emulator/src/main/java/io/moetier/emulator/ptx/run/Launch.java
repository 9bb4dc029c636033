package io.moetier.emulator.ptx.run;

import java.lang.foreign.MemorySegment;

/// What one launch of a kernel is given.
///
/// @param grid blocks
/// @param block threads of a block
/// @param dynamicSharedBytes what `extern __shared__` arrays get
/// @param parameters the values of the parameters, each at its [io.moetier.emulator.ptx.decode.PtxParameter#offset],
///     little-endian; read only during the launch
public record Launch(Extent grid, Extent block, int dynamicSharedBytes, MemorySegment parameters) {}
