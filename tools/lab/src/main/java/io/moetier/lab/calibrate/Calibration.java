package io.moetier.lab.calibrate;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.lab.calibrate.LoadFit.Sample;
import io.moetier.lab.calibrate.WeightStack.Period;
import io.moetier.lab.cost.ByWorkingSet;
import io.moetier.lab.cost.DecodeCosts;
import io.moetier.lab.cost.LoadCosts;
import io.moetier.lab.cost.LoadingAhead;
import io.moetier.lab.synthetic.ModelShape;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.expert.ScratchDirectory;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/// Measures what decoding costs on this machine, beside the bytes of weights over the speed of memory.
///
/// Kernels tell how fast weights are read. What a layer takes longer than that, with all of its experts in memory, is
/// its overhead; what it takes longer still where some are missing is the cost of loads. Both are what the engine takes
/// for layers of random weights. The overhead is measured with narrow and with wide layers, so that the part that grows
/// with the width is known, and each once with weights that caches hold and once with more of them; loads with experts
/// of two sizes, so that the part that grows with the bytes is known, and with few and many experts a token, so that
/// one can tell what other work hides. Both sizes are loaded ahead too, so that one can tell what that saves.
public final class Calibration {
    private static final ModelShape SMALL = new ModelShape(8, 256, 8, 16, 4, 256, 1024);
    private static final ModelShape WIDE = new ModelShape(4, 1024, 8, 4, 2, 256, 1024);
    private static final ModelShape LARGE = new ModelShape(4, 1024, 8, 16, 8, 1024, 1024);
    private static final ModelShape LARGE_FEW = new ModelShape(2, 1024, 8, 16, 2, 1024, 1024);
    private static final ModelShape COLD_NARROW = new ModelShape(128, 256, 8, 4, 4, 256, 1024); // 150 MB a token
    private static final ModelShape COLD_WIDE = new ModelShape(8, 2048, 16, 4, 4, 256, 1024); // 200 MB a token
    private static final List<ModelShape> SHAPES = List.of(SMALL, WIDE, LARGE, LARGE_FEW, COLD_NARROW, COLD_WIDE);
    private static final double WARM_UP_SECONDS = 3; // twice; the compiler's
    private static final double RESIDENT_SECONDS = 0.4;
    private static final double SMALL_SECONDS = 0.5;
    private static final double LARGE_SECONDS = 0.8;
    private static final double HALF = 0.5;
    private static final int FIRST_GUESSED = 2; // the time that its report ends has the loads of the layer before it
    private static final int LEAST_SAMPLES = 5;
    private static final int MOST_WEIGHT = 200;
    private static final long SPARE_BYTES = 256L << 20; // for the heap and workspaces

    private Calibration() {}

    /// A stack, and how long its layers take: with all experts in memory, with half of them and the others
    /// loaded as they are asked for, and with these loaded ahead as far as they can be guessed.
    ///
    /// @param halfSeconds for half of them each round; 0 to leave that out
    private record Measured(
            WeightStack stack,
            Effort effort,
            double halfSeconds,
            LayerTimes resident,
            Map<IoMode, LayerTimes> halfResident,
            Map<IoMode, LayerTimes> loadedAhead) {
        static Measured of(WeightStack stack, Effort effort, double halfSeconds) {
            int k = stack.shape().expertsPerToken();
            Map<IoMode, LayerTimes> half = new EnumMap<>(IoMode.class);
            Map<IoMode, LayerTimes> ahead = new EnumMap<>(IoMode.class);
            for (IoMode io : List.of(IoMode.PREAD, IoMode.DIRECT)) {
                half.put(io, new LayerTimes(k));
                ahead.put(io, new LayerTimes(k, Phase.DECODE, FIRST_GUESSED));
            }
            return new Measured(stack, effort, halfSeconds, new LayerTimes(k), half, ahead);
        }

        static Measured ofResident(WeightStack stack, Effort effort) {
            return of(stack, effort, 0);
        }

        private void decode(IoMode io, double share, PrefetchChoice prefetch, double seconds, LayerTimes times)
                throws IOException {
            stack.decode(io, share, prefetch, new Period(effort.seconds(seconds), effort.leastTokens()), times);
        }

        void measureRound() throws IOException {
            decode(IoMode.PREAD, 1, PrefetchChoice.OFF, RESIDENT_SECONDS, resident);
            if (halfSeconds > 0) {
                for (Map.Entry<IoMode, LayerTimes> half : halfResident.entrySet()) {
                    decode(half.getKey(), HALF, PrefetchChoice.OFF, halfSeconds, half.getValue());
                }
            }
            if (halfSeconds > 0 && stack.shape().layers() > FIRST_GUESSED) {
                for (Map.Entry<IoMode, LayerTimes> ahead : loadedAhead.entrySet()) {
                    decode(ahead.getKey(), HALF, PrefetchChoice.ON, halfSeconds / 2, ahead.getValue());
                }
            }
        }

        /// Returns what is left of the waits if experts are loaded ahead.
        double aheadShare(IoMode io) {
            double demanded = Objects.requireNonNull(halfResident.get(io)).all().typicalSeconds();
            double ahead = Objects.requireNonNull(loadedAhead.get(io)).all().typicalSeconds();
            double waits = demanded - residentSeconds();
            return waits > 0 ? Math.clamp((ahead - residentSeconds()) / waits, 0, 1) : 1;
        }

        double residentSeconds() {
            return resident.ofMisses(0).typicalSeconds();
        }

        int width() {
            return stack.shape().hidden();
        }

        /// Returns what layers with misses took longer.
        ///
        /// @param secondsPerExpert the work on one expert
        List<Sample> samples(IoMode io, double secondsPerExpert) {
            LayerTimes times = Objects.requireNonNull(halfResident.get(io));
            List<Sample> samples = new ArrayList<>();
            int k = stack.shape().expertsPerToken();
            for (int misses = 1; misses <= k; misses++) {
                Times of = times.ofMisses(misses);
                if (of.size() >= LEAST_SAMPLES) {
                    double seconds = of.typicalSeconds();
                    double weight = Math.min(MOST_WEIGHT, of.size()) / (seconds * seconds); // relative errors
                    samples.add(
                            new Sample(misses, seconds - residentSeconds(), (k - misses) * secondsPerExpert, weight));
                }
            }
            return samples;
        }
    }

    /// What a layer takes beside its weights: a time, and a time for each element of its width.
    private record Overhead(long workingSet, double seconds, double perWidth) {
        static Overhead of(Measured narrow, Measured wide, DecodeCosts kernels) {
            double ofNarrow = overhead(narrow, kernels);
            double perWidth = Math.max(0, (overhead(wide, kernels) - ofNarrow) / (wide.width() - narrow.width()));
            return new Overhead(
                    (long) Math.max(narrow.stack().bytes(1), wide.stack().bytes(1)),
                    Math.max(0, ofNarrow - perWidth * narrow.width()),
                    perWidth);
        }
    }

    /// Measures this machine, in about twenty seconds and seventeen more for each usual round.
    ///
    /// @param folder where stores are written, read and removed again: on the disk whose speed counts
    /// @param config threads, and where native code is
    /// @param memoryBytes how much memory to read: what no cache holds
    /// @param effort how often and how long everything is measured
    /// @param onStep is told what is being done
    /// @throws IOException if there is no room for the stores, on disk or in memory, or the thread is interrupted
    public static DecodeCosts measure(
            Path folder, EngineConfig config, long memoryBytes, Effort effort, Consumer<String> onStep)
            throws IOException {
        requireMemory(memoryBytes);
        requireRoom(folder);
        try (ScratchDirectory scratch = ScratchDirectory.create(folder)) {
            return measureIn(scratch.path(), config, memoryBytes, effort, onStep);
        }
    }

    /// A store is made of a file of its size.
    private static void requireRoom(Path folder) throws IOException {
        double needed = 2 * SHAPES.stream().mapToDouble(WeightStack::bytes).sum();
        long free = folder.toFile().getUsableSpace();
        if (free < needed) {
            throw new IOException(
                    folder + ": free space: expected " + Math.round(needed) + " bytes to measure with, found " + free);
        }
    }

    /// What is read by kernels and the slots of one stack are there at once; and while a stack is made, its file and
    /// its store are mapped.
    private static void requireMemory(long memoryBytes) throws IOException {
        double largest = SHAPES.stream().mapToDouble(WeightStack::bytes).max().orElseThrow();
        double needed = KernelReading.bytes(memoryBytes) + 2 * largest + SPARE_BYTES;
        MemoryLimit limit = AvailableMemory.tightest();
        if (limit.availableBytes() < needed) {
            throw new IOException("memory: expected " + Math.round(needed) + " bytes to measure with, found "
                    + limit.availableBytes() + " left by " + limit.what());
        }
    }

    private static DecodeCosts measureIn(
            Path folder, EngineConfig config, long memoryBytes, Effort effort, Consumer<String> onStep)
            throws IOException {
        onStep.accept("making weights");
        Measured small = Measured.of(WeightStack.write(folder, "small", SMALL, config), effort, SMALL_SECONDS);
        Measured large = Measured.of(WeightStack.write(folder, "large", LARGE, config), effort, LARGE_SECONDS);
        Measured few = Measured.of(WeightStack.write(folder, "few", LARGE_FEW, config), effort, LARGE_SECONDS);
        Measured wide = Measured.ofResident(WeightStack.write(folder, "wide", WIDE, config), effort);
        Measured coldNarrow =
                Measured.ofResident(WeightStack.write(folder, "cold-narrow", COLD_NARROW, config), effort);
        Measured coldWide = Measured.ofResident(WeightStack.write(folder, "cold-wide", COLD_WIDE, config), effort);
        onStep.accept("warming up");
        LayerTimes warmUp = new LayerTimes(SMALL.expertsPerToken());
        small.decode(IoMode.PREAD, HALF, PrefetchChoice.ON, WARM_UP_SECONDS, warmUp);
        small.decode(IoMode.PREAD, 1, PrefetchChoice.OFF, WARM_UP_SECONDS, warmUp);
        try (CpuDevice device = CpuDevice.open(
                        config.compute().threads(),
                        KernelChoice.AUTO,
                        config.compute().nativeDirectory());
                KernelReading reading = new KernelReading(device, WeightStack.TYPE, memoryBytes)) {
            for (int round = 0; round < effort.rounds(); round++) {
                onStep.accept("round " + (round + 1) + " of " + effort.rounds());
                for (Measured each : List.of(large, few, small, wide, coldNarrow, coldWide)) {
                    each.measureRound();
                }
                reading.measureRound();
            }
            DecodeCosts kernels = kernels(reading);
            Overhead warm = Overhead.of(small, wide, kernels);
            Overhead cold = Overhead.of(coldNarrow, coldWide, kernels);
            return new DecodeCosts(
                    kernels.reading(),
                    ByWorkingSet.of(Map.of(warm.workingSet(), warm.seconds(), cold.workingSet(), cold.seconds())),
                    ByWorkingSet.of(Map.of(warm.workingSet(), warm.perWidth(), cold.workingSet(), cold.perWidth())),
                    kernels.expertSeconds(),
                    kernels.logitSeconds(),
                    loads(IoMode.DIRECT, small, List.of(large, few), kernels),
                    loads(IoMode.PREAD, small, List.of(large, few), kernels));
        }
    }

    /// Returns what is known of the kernels by themselves; all else is zero.
    private static DecodeCosts kernels(KernelReading kernels) {
        LoadCosts noLoads = new LoadCosts(0, 0, 0, 0, 0, LoadingAhead.UNKNOWN);
        ByWorkingSet nothing = ByWorkingSet.of(Map.of(1L, 0.0));
        return new DecodeCosts(
                kernels.rates(),
                nothing,
                nothing,
                kernels.expertSeconds(),
                SamplingTime.secondsPerLogit(),
                noLoads,
                noLoads);
    }

    /// Returns what a layer takes beside its weights.
    private static double overhead(Measured measured, DecodeCosts costs) {
        WeightStack stack = measured.stack();
        double dense = stack.denseBytes() / rate(stack, 1, costs);
        double experts = stack.shape().expertsPerToken() * secondsPerExpert(stack, 1, costs);
        return Math.max(0, measured.residentSeconds() - dense - experts);
    }

    private static double secondsPerExpert(WeightStack stack, double residentShare, DecodeCosts costs) {
        return stack.expertBytes() / rate(stack, residentShare, costs)
                + costs.expertSeconds().at(stack.bytes(residentShare));
    }

    private static double rate(WeightStack stack, double residentShare, DecodeCosts costs) {
        return costs.bytesPerSecond(WeightStack.TYPE, stack.bytes(residentShare))
                .orElseThrow();
    }

    private static LoadCosts loads(IoMode io, Measured small, List<Measured> large, DecodeCosts costs) {
        List<Sample> samples = new ArrayList<>();
        for (Measured each : large) {
            samples.addAll(each.samples(io, secondsPerExpert(each.stack(), HALF, costs)));
        }
        LoadFit ofLarge = LoadFit.of(samples);
        Measured deep = large.getFirst();
        List<Sample> smallSamples = small.samples(io, secondsPerExpert(small.stack(), HALF, costs));
        return line(
                LoadFit.with(ofLarge.overlap(), smallSamples),
                ofLarge,
                new LoadingAhead(
                        small.stack().expertBytes(),
                        small.aheadShare(io),
                        deep.stack().expertBytes(),
                        deep.aheadShare(io)));
    }

    /// Returns the costs that are those of two sizes, and grow between them as beyond them.
    ///
    /// @param ahead tells the sizes
    static LoadCosts line(LoadFit small, LoadFit large, LoadingAhead ahead) {
        long difference = ahead.largeBytes() - ahead.smallBytes();
        double firstPerByte = (large.first() - small.first()) / difference;
        double eachPerByte = Math.max(0, (large.each() - small.each()) / difference);
        return new LoadCosts(
                small.first() - firstPerByte * ahead.smallBytes(),
                firstPerByte,
                Math.max(0, small.each() - eachPerByte * ahead.smallBytes()),
                eachPerByte,
                large.overlap(),
                ahead);
    }
}
