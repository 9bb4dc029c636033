package io.moetier.emulator.ptx.module;

import java.util.Comparator;

/// A version of the PTX language, as in `.version 6.3`.
public record PtxVersion(int major, int minor) implements Comparable<PtxVersion> {
    private static final Comparator<PtxVersion> ORDER =
            Comparator.comparingInt(PtxVersion::major).thenComparingInt(PtxVersion::minor);

    @Override
    public int compareTo(PtxVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
