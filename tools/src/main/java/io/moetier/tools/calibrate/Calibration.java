package io.moetier.tools.calibrate;

import io.moetier.engine.device.cpu.CpuDevice;
import io.moetier.engine.device.cpu.KernelChoice;
import io.moetier.engine.offload.DecodeCosts;
import io.moetier.engine.offload.LoadCosts;
import io.moetier.engine.session.EngineConfig;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.DType;
import io.moetier.tools.calibrate.LoadFit.Sample;
import io.moetier.tools.synthetic.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/// What decoding costs on this machine, beside the bytes of weights over the speed of memory.
///
/// Kernels tell how fast weights are read. What a layer takes longer than that, with all of its experts in memory, is
/// its overhead; what it takes longer still where some are missing is the cost of loads. Both are what the engine takes
/// for layers of random weights. Loads are measured with experts of two sizes, so that the part that grows with the
/// bytes is known, and with few and many experts a token, so that one can tell what other work hides; the overhead of
/// narrow and of wide layers.
///
/// @param layerSeconds what a layer takes beside its weights, however wide it is
public record Calibration(double layerSeconds, DecodeCosts costs) {
    private static final ModelShape SMALL = new ModelShape(8, 256, 8, 16, 4, 256, 1024);
    private static final ModelShape WIDE = new ModelShape(4, 1024, 8, 4, 2, 256, 1024);
    private static final ModelShape LARGE = new ModelShape(4, 1024, 8, 16, 8, 1024, 1024);
    private static final ModelShape LARGE_FEW = new ModelShape(2, 1024, 8, 16, 2, 1024, 1024);
    private static final double WARM_UP_SECONDS = 3; // the compiler's
    private static final double RESIDENT_SECONDS = 1;
    private static final double SMALL_SECONDS = 1.6;
    private static final double LARGE_SECONDS = 2.5;
    private static final double HALF = 0.5;
    private static final int LEAST_SAMPLES = 5;
    private static final int MOST_WEIGHT = 200;

    /// A stack, and how long its layers take: with all experts in memory, and with half of them.
    private record Measured(WeightStack stack, double residentSeconds, Map<IoMode, LayerTimes> halfResident) {
        static Measured of(WeightStack stack, double seconds) throws IOException {
            Map<IoMode, LayerTimes> half = new EnumMap<>(IoMode.class);
            for (IoMode io : List.of(IoMode.PREAD, IoMode.DIRECT)) {
                half.put(io, stack.decode(io, HALF, seconds));
            }
            return new Measured(stack, resident(stack), half);
        }

        static Measured ofResident(WeightStack stack) throws IOException {
            return new Measured(stack, resident(stack), Map.of());
        }

        private static double resident(WeightStack stack) throws IOException {
            return stack.decode(IoMode.PREAD, 1, RESIDENT_SECONDS).ofMisses(0).meanSeconds();
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
                    double mean = of.meanSeconds();
                    double weight = Math.min(MOST_WEIGHT, of.size()) / (mean * mean); // relative errors
                    samples.add(new Sample(misses, mean - residentSeconds, (k - misses) * secondsPerExpert, weight));
                }
            }
            return samples;
        }
    }

    /// Measures this machine, in about twenty seconds.
    ///
    /// @param folder where stores are written, read and removed again: on the disk whose speed counts
    /// @param config threads, and where native code is
    /// @param memoryBytes how much memory to read: what no cache holds
    /// @throws IOException if there is no room for the stores, or the thread is interrupted
    public static Calibration measure(Path folder, EngineConfig config, long memoryBytes) throws IOException {
        Path own = Files.createTempDirectory(folder, "calibration");
        try {
            return measureIn(own, config, memoryBytes);
        } finally {
            remove(own);
        }
    }

    private static Calibration measureIn(Path folder, EngineConfig config, long memoryBytes) throws IOException {
        WeightStack small = WeightStack.write(folder, "small", SMALL, config);
        WeightStack wide = WeightStack.write(folder, "wide", WIDE, config);
        WeightStack large = WeightStack.write(folder, "large", LARGE, config);
        WeightStack few = WeightStack.write(folder, "few", LARGE_FEW, config);
        small.decode(IoMode.PREAD, HALF, WARM_UP_SECONDS);
        List<Measured> ofLarge = List.of(Measured.of(large, LARGE_SECONDS), Measured.of(few, LARGE_SECONDS));
        Measured ofSmall = Measured.of(small, SMALL_SECONDS);
        Measured ofWide = Measured.ofResident(wide); // the last ones when all code is compiled
        try (CpuDevice device = CpuDevice.open(config.threads(), KernelChoice.AUTO, config.nativeDirectory());
                KernelReading kernels = new KernelReading(device, memoryBytes)) {
            kernels.warmUp();
            double expertSeconds = kernels.expertSeconds(WeightStack.TYPE);
            return of(ofSmall, ofWide, ofLarge, expertSeconds, kernels.rates(expertSeconds));
        }
    }

    private static Calibration of(
            Measured small,
            Measured wide,
            List<Measured> large,
            double expertSeconds,
            Map<DType, Map<Long, Double>> reading) {
        LoadCosts none = new LoadCosts(0, 0, 0, 0, 0);
        double logitSeconds = SamplingTime.secondsPerLogit();
        DecodeCosts kernels = new DecodeCosts(reading, 0, expertSeconds, logitSeconds, none, none);
        double ofSmall = overhead(small, kernels);
        double perWidth = Math.max(0, (overhead(wide, kernels) - ofSmall) / (wide.width() - small.width()));
        return new Calibration(
                Math.max(0, ofSmall - perWidth * small.width()),
                new DecodeCosts(
                        reading,
                        perWidth,
                        expertSeconds,
                        logitSeconds,
                        loads(IoMode.DIRECT, small, large, kernels),
                        loads(IoMode.PREAD, small, large, kernels)));
    }

    /// Returns what a layer takes beside its weights.
    private static double overhead(Measured measured, DecodeCosts costs) {
        WeightStack stack = measured.stack();
        double dense = stack.denseBytes() / rate(stack, 1, costs);
        double experts = stack.shape().expertsPerToken() * secondsPerExpert(stack, 1, costs);
        return Math.max(0, measured.residentSeconds() - dense - experts);
    }

    private static double secondsPerExpert(WeightStack stack, double residentShare, DecodeCosts costs) {
        return stack.expertBytes() / rate(stack, residentShare, costs) + costs.expertSeconds();
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
        List<Sample> smallSamples = small.samples(io, secondsPerExpert(small.stack(), HALF, costs));
        return line(
                LoadFit.with(ofLarge.overlap(), smallSamples),
                small.stack().expertBytes(),
                ofLarge,
                large.getFirst().stack().expertBytes());
    }

    /// Returns the costs that are those of two sizes, and grow between them as beyond them.
    static LoadCosts line(LoadFit small, long smallBytes, LoadFit large, long largeBytes) {
        double firstPerByte = (large.first() - small.first()) / (largeBytes - smallBytes);
        double eachPerByte = Math.max(0, (large.each() - small.each()) / (largeBytes - smallBytes));
        return new LoadCosts(
                small.first() - firstPerByte * smallBytes,
                firstPerByte,
                Math.max(0, small.each() - eachPerByte * smallBytes),
                eachPerByte,
                large.overlap());
    }

    private static void remove(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
