package io.moetier.emulator.ptx.run;

/// What a launch has done, for a clock to charge. Without [LaunchOptions#countTraffic] only `warpInstructions` is
/// counted.
///
/// Operations count active lanes: a fused multiply-add of a full warp is 32 `fp32`, as is an addition. A
/// packed half-precision instruction counts once a lane, under `fp32`.
///
/// @param warpInstructions instructions, each counted once for the lanes that execute it together
/// @param fp32 arithmetic on floats
/// @param integers integer and logic arithmetic, conversions and moves
/// @param dotProducts `dp4a`
/// @param special reciprocals, roots, exponentials and their like
/// @param matrix `mma` instructions of a warp, weighted with their multiply-adds
/// @param sectorsRead distinct 32-byte sectors of global memory
/// @param sectorsWritten distinct 32-byte sectors of global memory, atomics included
public record LaunchCounts(
        long warpInstructions,
        long fp32,
        long integers,
        long dotProducts,
        long special,
        long matrix,
        long sectorsRead,
        long sectorsWritten) {}
