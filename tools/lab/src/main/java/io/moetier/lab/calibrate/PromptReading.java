package io.moetier.lab.calibrate;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/// How fast the kernels multiply experts with the tokens of a prompt, by the type of their weights.
public final class PromptReading {
    private static final int EXPERTS = 4;
    private static final int ROWS = 32; // tokens of an expert: what a prompt of some hundred gives each
    private static final int HIDDEN = 1024;
    private static final int INNER = 512;
    private static final long WARM_UP_NANOS = 30_000_000;
    private static final long NANOS = 30_000_000;
    private static final byte FILL = 0x3c; // no type makes it infinite or subnormal

    private PromptReading() {}

    /// Measures all types, in about three seconds.
    ///
    /// @param config threads, and where native code is
    public static PromptCosts measure(EngineConfig config) {
        Map<DType, Double> seconds = new EnumMap<>(DType.class);
        try (CpuDevice device = CpuDevice.open(
                config.compute().threads(), KernelChoice.AUTO, config.compute().nativeDirectory())) {
            for (DType type : DType.values()) {
                seconds.put(type, seconds(device, type));
            }
        }
        return new PromptCosts(seconds);
    }

    /// Returns the least time of several, as others may have the cores at times.
    private static double seconds(Device device, DType type) {
        long up = WeightMatrix.packedBytes(type, INNER, HIDDEN);
        long down = WeightMatrix.packedBytes(type, HIDDEN, INNER);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory =
                    AnonymousMemory.allocate(2 * up + down, arena).fill(FILL);
            ExpertWeights weights = ExpertWeights.swiGlu(
                    new WeightMatrix(type, INNER, HIDDEN, memory.asSlice(0, up)),
                    new WeightMatrix(type, INNER, HIDDEN, memory.asSlice(up, up)),
                    new WeightMatrix(type, HIDDEN, INNER, memory.asSlice(2 * up, down)));
            return least(device, weights) / ((double) EXPERTS * ROWS * 3 * HIDDEN * INNER);
        }
    }

    private static double least(Device device, ExpertWeights weights) {
        DeviceBuffer x = device.allocate(ROWS * HIDDEN);
        DeviceBuffer out = device.allocate(EXPERTS * ROWS * HIDDEN);
        int[] rows = new int[EXPERTS * ROWS];
        int[] outRows = new int[EXPERTS * ROWS];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = i % ROWS;
            outRows[i] = i;
        }
        ExpertBatch batch = new ExpertBatch();
        long least = Long.MAX_VALUE;
        long begin = System.nanoTime();
        for (long spent = 0; spent < WARM_UP_NANOS + NANOS; spent = System.nanoTime() - begin) {
            batch.begin(rows, outRows, ROWS);
            for (int i = 0; i < EXPERTS; i++) {
                batch.add(weights, i * ROWS, ROWS);
            }
            long start = System.nanoTime();
            device.kernels().expertFfn(batch, x, out);
            least = Math.min(least, System.nanoTime() - start);
        }
        return least / 1e9;
    }
}
