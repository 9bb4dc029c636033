package io.moetier.emulator.ptx.run;

/// How a launch is interpreted.
///
/// @param shuffled false: blocks and warps run in order, each warp until it must wait. True: `seed` decides in which
///     order blocks run, which warp goes next and for how many instructions, as a device might
/// @param seed of the order and of the disturbance
/// @param countTraffic whether sectors and instruction classes are counted
/// @param maxWarpInstructions of the whole launch, before it counts as endless
/// @param disturbanceUlps by how many units in the last place `.approx` results may be off at most; each
///     input always gets the same result
public record LaunchOptions(
        boolean shuffled, long seed, boolean countTraffic, long maxWarpInstructions, int disturbanceUlps) {
    /// In order, counted, near exact, and endless after 10^10 instructions: some minutes.
    public static final LaunchOptions DEFAULT = new LaunchOptions(false, 0, true, 10_000_000_000L, 0);

    public LaunchOptions withSeed(long value) {
        return new LaunchOptions(true, value, countTraffic, maxWarpInstructions, disturbanceUlps);
    }
}
