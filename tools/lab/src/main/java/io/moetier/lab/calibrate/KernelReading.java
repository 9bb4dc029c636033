package io.moetier.lab.calibrate;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.lab.cost.ByWorkingSet;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/// How fast the kernels read the experts of a layer for one token, by the type of their weights and by how many bytes
/// are read in turn.
///
/// Confined to one thread. Owns the memory that is read, until it is closed.
final class KernelReading implements AutoCloseable {
    /// Experts of a layer: as many as models choose.
    private static final int EXPERTS = 8;

    private static final int HIDDEN = 1024;
    private static final long EXPERT_BYTES = 4 << 20; // about, of each type: what experts of models have
    private static final int INNER_STEP = 256; // the longest block of any type
    private static final int SMALL_HIDDEN = 512;
    private static final int SMALL = 256;
    private static final long[] CACHED_BYTES = {16L << 20, 64L << 20};
    private static final long WARM_UP_NANOS = 5_000_000;
    private static final long NANOS = 20_000_000;
    private static final double SLOW_SECONDS = 3e-3; // for an expert
    private static final byte FILL = 0x3c; // no type makes it infinite or subnormal
    private static final int STRIDE = 7919; // a prime: neighbours are not read one after another

    private final Device device;
    private final DType overheadType;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final Map<Long, Reading> small = new TreeMap<>(); // by the bytes that are read in turn
    private final Map<DType, Map<Long, Reading>> large = new EnumMap<>(DType.class);

    private record Expert(ExpertWeights weights, long bytes) {
        private static Expert of(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
            long bytes = gate.bytes().byteSize()
                    + up.bytes().byteSize()
                    + down.bytes().byteSize();
            return new Expert(ExpertWeights.swiGlu(gate, up, down), bytes);
        }
    }

    /// Experts of one shape, and how long layers of them took.
    private record Reading(List<Expert> experts, int hidden, Times times) {
        long bytes() {
            return experts.getFirst().bytes();
        }

        double seconds() {
            return times.typicalSeconds() / EXPERTS;
        }

        /// Says whether it is arithmetic that takes so long; another process does not each time.
        boolean isSlow() {
            return times.size() > 0 && times.leastSeconds() / EXPERTS > SLOW_SECONDS;
        }
    }

    /// Makes all experts, and has the code compiled that reads them, for all types, since each takes ways of its own.
    ///
    /// @param overheadType whose experts are read in two sizes
    /// @param bytes what no cache holds
    KernelReading(Device device, DType overheadType, long bytes) {
        this.device = device;
        this.overheadType = overheadType;
        memory = AnonymousMemory.allocate(bytes(bytes), arena).fill(FILL);
        for (long workingSet : List.of(CACHED_BYTES[0], CACHED_BYTES[1], memory.byteSize())) {
            small.put(workingSet, experts(overheadType, SMALL_HIDDEN, SMALL, workingSet));
            for (DType type : DType.values()) {
                large.computeIfAbsent(type, _ -> new TreeMap<>())
                        .put(workingSet, experts(type, HIDDEN, inner(type), workingSet));
            }
        }
        for (DType type : DType.values()) {
            read(List.of(experts(type, SMALL_HIDDEN, SMALL, CACHED_BYTES[0])));
        }
    }

    /// Returns how much memory is read where no cache holds `bytes`.
    static long bytes(long bytes) {
        return Math.max(2 * CACHED_BYTES[1], bytes);
    }

    /// Reads everything once more, each for a short time. Experts of two sizes take turns: else a moment in
    /// which memory is slow would make a difference of them that they do not have.
    void measureRound() {
        Map<Long, Reading> ofLarge = Objects.requireNonNull(large.get(overheadType));
        small.forEach((workingSet, few) -> read(List.of(few, Objects.requireNonNull(ofLarge.get(workingSet)))));
        large.forEach((type, readings) -> {
            if (type != overheadType) {
                readOne(readings);
            }
        });
    }

    /// Returns the bytes a second for each type, by the bytes that are read in turn. Where arithmetic is far slower
    /// than memory, one figure is for all.
    Map<DType, ByWorkingSet> rates() {
        ByWorkingSet beside = expertSeconds();
        Map<DType, ByWorkingSet> rates = new EnumMap<>(DType.class);
        large.forEach((type, readings) -> {
            Map<Long, Double> ofType = new TreeMap<>();
            readings.forEach((bytes, reading) -> {
                if (reading.times().size() > 0) {
                    double seconds = reading.seconds();
                    ofType.put(bytes, reading.bytes() / Math.max(seconds / 2, seconds - beside.at(bytes)));
                }
            });
            rates.put(type, ByWorkingSet.of(ofType));
        });
        return rates;
    }

    /// Returns what an expert takes beside reading its weights, the part of the time that does not grow with its size,
    /// by the bytes that are read in turn: to begin a stream of memory takes longer than to begin one of a cache.
    ByWorkingSet expertSeconds() {
        Map<Long, Double> seconds = new TreeMap<>();
        Map<Long, Reading> ofLarge = Objects.requireNonNull(large.get(overheadType));
        small.forEach((workingSet, few) -> {
            Reading many = Objects.requireNonNull(ofLarge.get(workingSet));
            double perByte = (many.seconds() - few.seconds()) / (many.bytes() - few.bytes());
            seconds.put(workingSet, Math.max(0, few.seconds() - perByte * few.bytes()));
        });
        return ByWorkingSet.of(seconds);
    }

    @Override
    public void close() {
        arena.close();
    }

    /// Where arithmetic is far slower than memory, the first figure is for all, and is not measured again.
    private void readOne(Map<Long, Reading> ofType) {
        for (Reading reading : ofType.values()) {
            if (!reading.isSlow()) {
                read(List.of(reading));
            }
            if (reading.isSlow()) {
                return;
            }
        }
    }

    /// Returns the width inside an expert that makes it as large as all are.
    private static int inner(DType type) {
        long bytes = 2 * WeightMatrix.packedBytes(type, INNER_STEP, HIDDEN)
                + WeightMatrix.packedBytes(type, HIDDEN, INNER_STEP);
        return INNER_STEP * (int) Math.max(1, Math.round((double) EXPERT_BYTES / bytes));
    }

    private Reading experts(DType type, int hidden, int inner, long bytes) {
        long up = WeightMatrix.packedBytes(type, inner, hidden);
        long down = WeightMatrix.packedBytes(type, hidden, inner);
        List<Expert> experts = new ArrayList<>();
        for (long at = 0; at + 2 * up + down <= bytes; at += 2 * up + down) {
            experts.add(Expert.of(
                    new WeightMatrix(type, inner, hidden, memory.asSlice(at, up)),
                    new WeightMatrix(type, inner, hidden, memory.asSlice(at + up, up)),
                    new WeightMatrix(type, hidden, inner, memory.asSlice(at + 2 * up, down))));
        }
        return new Reading(experts, hidden, new Times());
    }

    /// Reads layers of these experts in turns, each for a short time and once at least.
    private void read(List<Reading> readings) {
        List<Layers> layers = readings.stream().map(Layers::new).toList();
        while (layers.stream().anyMatch(Layers::isToGoOn)) {
            layers.forEach(Layers::readNext);
        }
    }

    /// Layers of some experts that are read one after another.
    private final class Layers {
        private final Reading reading;
        private final DeviceBuffer x;
        private final DeviceBuffer out;
        private final int[] rows = new int[EXPERTS];
        private final int[] outRows = new int[EXPERTS];
        private final ExpertBatch batch = new ExpertBatch();
        private final int timesBefore;
        private long spent;
        private int next;

        Layers(Reading reading) {
            this.reading = reading;
            x = device.allocate(reading.hidden());
            out = device.allocate(EXPERTS * reading.hidden());
            Arrays.setAll(outRows, i -> i);
            timesBefore = reading.times().size();
        }

        boolean isToGoOn() {
            return spent < WARM_UP_NANOS + NANOS || reading.times().size() == timesBefore;
        }

        void readNext() {
            batch.begin(rows, outRows, 1);
            for (int i = 0; i < EXPERTS; i++) {
                next = (next + STRIDE) % reading.experts().size();
                batch.add(reading.experts().get(next).weights(), i, 1);
            }
            long start = System.nanoTime();
            device.kernels().expertFfn(batch, x, out);
            long nanos = System.nanoTime() - start;
            if (spent >= WARM_UP_NANOS) {
                reading.times().add(nanos);
            }
            spent += nanos;
        }
    }
}
