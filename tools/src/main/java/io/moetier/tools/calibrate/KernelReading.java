package io.moetier.tools.calibrate;

import io.moetier.engine.device.Device;
import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.ExpertBatch;
import io.moetier.engine.device.ExpertWeights;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// How fast the kernels read the experts of a layer for one token, by the type of their weights and by how many bytes
/// are read in turn.
///
/// Confined to one thread. Owns the memory that is read, until it is closed.
final class KernelReading implements AutoCloseable {
    /// Experts of a layer: as many as models choose.
    private static final int EXPERTS = 8;

    private static final int LARGE = 1024; // rows and columns of a matrix that a core reads for long
    private static final int SMALL_HIDDEN = 512;
    private static final int SMALL = 256;
    private static final long[] CACHED_BYTES = {16L << 20, 64L << 20};
    private static final int PASSES = 2;
    private static final long WARM_UP_NANOS = 10_000_000;
    private static final long NANOS = 30_000_000;
    private static final int LEAST_CALLS = 1;
    private static final double SLOW_SECONDS = 1e-3; // for an expert
    private static final byte FILL = 0x3c; // no type makes it infinite or subnormal
    private static final int STRIDE = 7919; // a prime: neighbours are not read one after another

    private final Device device;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    private record Expert(ExpertWeights weights, long bytes) {
        private static Expert of(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
            long bytes = gate.bytes().byteSize()
                    + up.bytes().byteSize()
                    + down.bytes().byteSize();
            return new Expert(ExpertWeights.swiGlu(gate, up, down), bytes);
        }
    }

    /// @param bytes what no cache holds
    KernelReading(Device device, long bytes) {
        this.device = device;
        memory = AnonymousMemory.allocate(Math.max(2 * CACHED_BYTES[1], bytes), arena)
                .fill(FILL);
    }

    /// Has the code compiled that will be timed, for all types, since each takes ways of its own.
    void warmUp() {
        for (int pass = 0; pass < PASSES; pass++) {
            for (DType type : DType.values()) {
                secondsPerExpert(experts(type, SMALL_HIDDEN, SMALL, CACHED_BYTES[0]), SMALL_HIDDEN);
            }
        }
    }

    /// Returns the bytes a second for each type, by the bytes that are read in turn. Where arithmetic is far slower
    /// than
    /// memory, one figure is for all.
    ///
    /// @param expertSeconds what an expert takes beside
    Map<DType, Map<Long, Double>> rates(double expertSeconds) {
        Map<DType, Map<Long, Double>> rates = new EnumMap<>(DType.class);
        for (DType type : DType.values()) {
            Map<Long, Double> ofType = new TreeMap<>();
            for (long bytes : new long[] {CACHED_BYTES[0], CACHED_BYTES[1], memory.byteSize()}) {
                List<Expert> experts = experts(type, LARGE, LARGE, bytes);
                double seconds = leastSecondsPerExpert(experts, LARGE);
                ofType.put(bytes, experts.getFirst().bytes() / Math.max(seconds / 2, seconds - expertSeconds));
                if (seconds > SLOW_SECONDS) {
                    break;
                }
            }
            rates.put(type, ofType);
        }
        return rates;
    }

    /// Returns what an expert takes beside reading its weights: the part of the time that does not grow with its size.
    double expertSeconds(DType type) {
        long cached = CACHED_BYTES[1];
        List<Expert> small = experts(type, SMALL_HIDDEN, SMALL, cached);
        List<Expert> large = experts(type, LARGE, LARGE, cached);
        double ofSmall = leastSecondsPerExpert(small, SMALL_HIDDEN);
        double ofLarge = leastSecondsPerExpert(large, LARGE);
        double perByte = (ofLarge - ofSmall)
                / (large.getFirst().bytes() - small.getFirst().bytes());
        return Math.max(0, ofSmall - perByte * small.getFirst().bytes());
    }

    @Override
    public void close() {
        arena.close();
    }

    private List<Expert> experts(DType type, int hidden, int inner, long bytes) {
        long up = WeightMatrix.packedBytes(type, inner, hidden);
        long down = WeightMatrix.packedBytes(type, hidden, inner);
        List<Expert> experts = new ArrayList<>();
        for (long at = 0; at + 2 * up + down <= bytes; at += 2 * up + down) {
            experts.add(Expert.of(
                    new WeightMatrix(type, inner, hidden, memory.asSlice(at, up)),
                    new WeightMatrix(type, inner, hidden, memory.asSlice(at + up, up)),
                    new WeightMatrix(type, hidden, inner, memory.asSlice(at + 2 * up, down))));
        }
        return experts;
    }

    private double leastSecondsPerExpert(List<Expert> experts, int hidden) {
        double least = secondsPerExpert(experts, hidden);
        for (int pass = 1; pass < PASSES && least < SLOW_SECONDS; pass++) {
            least = Math.min(least, secondsPerExpert(experts, hidden));
        }
        return least;
    }

    private double secondsPerExpert(List<Expert> experts, int hidden) {
        DeviceBuffer x = device.allocate(hidden);
        DeviceBuffer out = device.allocate(EXPERTS * hidden);
        int[] rows = new int[EXPERTS];
        int[] outRows = new int[EXPERTS];
        for (int i = 0; i < EXPERTS; i++) {
            outRows[i] = i;
        }
        ExpertBatch batch = new ExpertBatch();
        Times times = new Times();
        int next = 0;
        long begin = System.nanoTime();
        for (long spent = 0; spent < WARM_UP_NANOS + NANOS || times.size() < LEAST_CALLS; ) {
            batch.begin(rows, outRows);
            for (int i = 0; i < EXPERTS; i++) {
                next = (next + STRIDE) % experts.size();
                batch.add(experts.get(next).weights(), i, 1);
            }
            long start = System.nanoTime();
            device.kernels().expertFfn(batch, x, out);
            long end = System.nanoTime();
            if (spent >= WARM_UP_NANOS) {
                times.add(end - start);
            }
            spent = end - begin;
        }
        return times.medianSeconds() / EXPERTS;
    }
}
