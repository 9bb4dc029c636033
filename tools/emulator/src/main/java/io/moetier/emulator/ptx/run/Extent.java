package io.moetier.emulator.ptx.run;

/// How many blocks a grid has, or how many threads a block has, in three directions; each at least 1.
public record Extent(int x, int y, int z) {
    public Extent {
        if (x < 1 || y < 1 || z < 1) {
            throw new IllegalArgumentException("extent " + x + " x " + y + " x " + z);
        }
    }

    public static Extent of(int x) {
        return new Extent(x, 1, 1);
    }

    public long count() {
        return Math.multiplyExact((long) x * y, (long) z);
    }
}
