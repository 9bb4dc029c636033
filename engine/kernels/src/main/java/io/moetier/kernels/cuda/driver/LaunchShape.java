package io.moetier.kernels.cuda.driver;

/// How many threads a launch has, and what shared memory each block gets on top of what the kernel declares.
record LaunchShape(int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int dynamicSharedBytes) {
    /// Returns a shape in one dimension.
    static LaunchShape of(int blocks, int threads) {
        return new LaunchShape(blocks, 1, 1, threads, 1, 1, 0);
    }
}
