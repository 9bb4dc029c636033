package io.moetier.kernels.device;

/// The keys that were chosen for the queries of a pass, by [Kernels#chooseKeys].
///
/// @param blocks `[n, numHeads, most]`: the numbers of the blocks in ascending order; what lies behind those that a
///     query reads is undefined
public record KeyChoice(DeviceBuffer blocks, KeyBlocks shape) {
    /// Positions that a float counts exactly.
    static final int MOST_POSITIONS = 1 << 24;
}
