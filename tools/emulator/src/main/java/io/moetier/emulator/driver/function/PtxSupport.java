package io.moetier.emulator.driver.function;

import io.moetier.emulator.ptx.module.PtxVersion;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/// Which PTX a version of the driver knows: the release notes in NVIDIA's "Parallel Thread Execution ISA".
final class PtxSupport {
    private static final NavigableMap<Integer, PtxVersion> NEWEST = new TreeMap<>();

    static {
        add(8_000, 5, 0, 9_000, 6, 0, 9_010, 6, 1, 9_020, 6, 2);
        add(10_000, 6, 3, 10_010, 6, 4, 10_020, 6, 5);
        add(11_000, 7, 0, 11_010, 7, 1, 11_020, 7, 2, 11_030, 7, 3, 11_040, 7, 4);
        add(11_050, 7, 5, 11_060, 7, 6, 11_070, 7, 7, 11_080, 7, 8);
        add(12_000, 8, 0, 12_010, 8, 1, 12_020, 8, 2, 12_030, 8, 3, 12_040, 8, 4);
        add(12_050, 8, 5, 12_070, 8, 6, 12_080, 8, 7, 12_090, 8, 8);
        add(13_000, 9, 0);
    }

    private PtxSupport() {}

    /// Returns the newest PTX that a driver knows.
    static PtxVersion newest(int driverVersion) {
        Map.Entry<Integer, PtxVersion> entry = NEWEST.floorEntry(driverVersion);
        return entry == null ? new PtxVersion(0, 0) : entry.getValue();
    }

    private static void add(int... driverMajorMinor) {
        for (int i = 0; i < driverMajorMinor.length; i += 3) {
            NEWEST.put(driverMajorMinor[i], new PtxVersion(driverMajorMinor[i + 1], driverMajorMinor[i + 2]));
        }
    }
}
