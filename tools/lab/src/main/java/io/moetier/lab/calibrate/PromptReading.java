package io.moetier.lab.calibrate;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.lab.cost.PromptCosts.Products;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// How fast the kernels multiply experts with the tokens of a prompt, by the type of their weights. The weights come
/// from memory, as in a model they do; few and many tokens tell what does not grow with their number.
final class PromptReading {
    private static final int EXPERTS = 4;
    private static final int FEW_ROWS = 16; // tokens of an expert: what a prompt of some hundred gives each
    private static final int MANY_ROWS = 128;
    private static final int HIDDEN = 1024;
    private static final int INNER = 512;
    private static final double WEIGHTS = 3.0 * HIDDEN * INNER; // of an expert
    private static final long WARM_UP_NANOS = 6_000_000;
    private static final long NANOS = 14_000_000;
    private static final byte FILL = 0x3c; // no type makes it infinite or subnormal
    private static final int STRIDE = 7919; // a prime: neighbours are not read one after another

    private final Device device;
    private final ExpertBatch batch = new ExpertBatch();
    private final DeviceBuffer x;
    private final DeviceBuffer out;
    private final int[] rows = new int[EXPERTS * MANY_ROWS];
    private final int[] outRows = new int[EXPERTS * MANY_ROWS];

    private PromptReading(Device device) {
        this.device = device;
        x = device.allocate(MANY_ROWS * HIDDEN);
        out = device.allocate(EXPERTS * MANY_ROWS * HIDDEN);
        for (int i = 0; i < rows.length; i++) {
            rows[i] = i % MANY_ROWS;
            outRows[i] = i;
        }
    }

    /// Measures all types, in rounds some time apart: others may have the cores for a while.
    ///
    /// @param bytes what no cache holds
    /// @param rounds 1 or more
    static Map<DType, Products> measure(Device device, long bytes, int rounds) {
        PromptReading reading = new PromptReading(device);
        Map<DType, Times> few = new EnumMap<>(DType.class);
        Map<DType, Times> many = new EnumMap<>(DType.class);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = AnonymousMemory.allocate(bytes, arena).fill(FILL);
            for (int round = 0; round < rounds; round++) {
                for (DType type : DType.values()) {
                    List<ExpertWeights> experts = experts(type, memory);
                    reading.add(experts, FEW_ROWS, few.computeIfAbsent(type, _ -> new Times()));
                    reading.add(experts, MANY_ROWS, many.computeIfAbsent(type, _ -> new Times()));
                }
            }
        }
        Map<DType, Products> products = new EnumMap<>(DType.class);
        few.forEach((type, times) -> products.put(type, line(times, Objects.requireNonNull(many.get(type)))));
        return products;
    }

    /// Returns the line through what an expert takes for few and for many tokens.
    private static Products line(Times fewRows, Times manyRows) {
        double few = fewRows.typicalSeconds() / EXPERTS;
        double perRow = Math.max(0, (manyRows.typicalSeconds() / EXPERTS - few) / (MANY_ROWS - FEW_ROWS));
        return new Products(Math.max(0, few - FEW_ROWS * perRow) / WEIGHTS, perRow / WEIGHTS);
    }

    private static List<ExpertWeights> experts(DType type, MemorySegment memory) {
        long up = WeightMatrix.packedBytes(type, INNER, HIDDEN);
        long down = WeightMatrix.packedBytes(type, HIDDEN, INNER);
        List<ExpertWeights> experts = new ArrayList<>();
        for (long at = 0; at + 2 * up + down <= memory.byteSize(); at += 2 * up + down) {
            experts.add(ExpertWeights.swiGlu(
                    new WeightMatrix(type, INNER, HIDDEN, memory.asSlice(at, up)),
                    new WeightMatrix(type, INNER, HIDDEN, memory.asSlice(at + up, up)),
                    new WeightMatrix(type, HIDDEN, INNER, memory.asSlice(at + 2 * up, down))));
        }
        return experts;
    }

    /// Multiplies experts with so many tokens each, over and over for a short time.
    private void add(List<ExpertWeights> experts, int rowsOfExpert, Times times) {
        int before = times.size();
        int next = 0;
        long begin = System.nanoTime();
        for (long spent = 0; spent < WARM_UP_NANOS + NANOS || times.size() == before; ) {
            batch.begin(rows, outRows, EXPERTS * rowsOfExpert);
            for (int i = 0; i < EXPERTS; i++) {
                next = (next + STRIDE) % experts.size();
                batch.add(experts.get(next), i * rowsOfExpert, rowsOfExpert);
            }
            long start = System.nanoTime();
            device.kernels().expertFfn(batch, x, out);
            long end = System.nanoTime();
            if (spent >= WARM_UP_NANOS) {
                times.add(end - start);
            }
            spent = end - begin;
        }
    }
}
