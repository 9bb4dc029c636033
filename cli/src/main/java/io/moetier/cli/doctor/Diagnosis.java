package io.moetier.cli.doctor;

import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Plural;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.VectorModule;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.lab.calibrate.Calibration;
import io.moetier.lab.calibrate.Effort;
import io.moetier.lab.calibrate.PromptCalibration;
import io.moetier.lab.cost.DecodeCosts;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.plan.SpeedForecast;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.expert.DiskSpeed;
import io.moetier.storage.file.Leftovers;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// What a machine offers, measured where it can be.
///
/// @param kernels for each choice of kernels what it computes with, or why it cannot be had
/// @param readBytesPerSecond of memory, by the number of threads
/// @param disk of the cache folder
/// @param decoding what decoding costs
/// @param prompts what prompts cost, if that was measured
public record Diagnosis(
        String processor,
        Map<KernelChoice, String> kernels,
        Map<Integer, Double> readBytesPerSecond,
        Path cache,
        Finding<DiskSpeed> disk,
        Finding<DecodeCosts> decoding,
        Optional<PromptCosts> prompts) {
    private static final int MEMORY_SHARE = 8;
    private static final long DISK_BYTES = 256L << 20;
    private static final int DISK_SHARE = 16;
    private static final int DIRTY_SHARE = 4; // of available memory: what is written stays there until it is on disk
    private static final int WIDTH = 1024;
    private static final List<DType> PROMPT_TYPES = List.of(DType.Q4_0, DType.Q8_0, DType.BF16);
    private static final int PROMPT_ROWS = 64; // tokens of an expert
    private static final double MEBIBYTE = 1 << 20;

    /// What was measured, and how; or nothing, and why.
    record Finding<T>(Optional<T> figure, String remark) {
        private static <T> Finding<T> of(T figure, String remark) {
            return new Finding<>(Optional.of(figure), remark);
        }

        private static <T> Finding<T> none(String remark) {
            return new Finding<>(Optional.empty(), remark);
        }

        /// Says why there is nothing, for `cause`.
        private static <T> Finding<T> failed(String what, Throwable cause) {
            return none(what + ": " + Failure.of(cause).sentence());
        }
    }

    /// Measures this machine, but for what decoding costs. What cannot be measured is a finding too, and the rest is
    /// measured all the same.
    ///
    /// @param cache the folder of imported models
    /// @param threads how many threads compute
    /// @param effort how much memory is read, in shares of what no cache holds
    /// @throws UncheckedIOException if the thread is interrupted
    static Diagnosis of(Path cache, int threads, Effort effort, FactLines lines) {
        lines.row("Java", javaVersion());
        String processor = processorName();
        lines.row("processor", processor);
        lines.row("cores", cores());
        Map<KernelChoice, String> kernels = kernels(cache, threads, lines);
        lines.row("memory", memory());
        Map<Integer, Double> bandwidths = bandwidths(threads, effort, lines);
        lines.row("cache folder", cache);
        Leftovers left = lines.tidying().cache(cache);
        left.reason()
                .ifPresent(reason -> lines.row(
                        "  leftovers",
                        ByteSize.format(left.keptBytes()) + " that a killed command left, which cannot be removed: "
                                + reason));
        Finding<DiskSpeed> disk = disk(cache, lines);
        return new Diagnosis(
                processor, kernels, bandwidths, cache, disk, Finding.none("not measured"), Optional.empty());
    }

    private static Map<Integer, Double> bandwidths(int threads, Effort effort, FactLines lines) {
        Map<Integer, Double> bandwidths = new TreeMap<>();
        long bytes = memoryToRead(effort);
        String remark = bytes < wanted(effort) ? ", of only " + ByteSize.format(bytes) + ": memory is short" : "";
        try (MemoryBandwidth memory = MemoryBandwidth.open(bytes)) {
            for (int readers : new TreeSet<>(List.of(1, threads))) {
                String name = "read by " + Plural.of(readers, "thread");
                lines.measuring("memory, " + name);
                double rate = memory.bytesPerSecond(readers);
                bandwidths.put(readers, rate);
                lines.row("  " + name, gigabytesPerSecond(rate) + remark);
            }
        }
        return bandwidths;
    }

    private static Finding<DiskSpeed> disk(Path cache, FactLines lines) {
        lines.measuring("the disk of the cache folder");
        Finding<DiskSpeed> disk = disk(cache);
        requireNoInterrupt();
        lines.row(
                "  read",
                disk.figure()
                                .map(speed -> gigabytesPerSecond(speed.bytesPerSecond()) + ", ")
                                .orElse("")
                        + disk.remark());
        lines.row(
                "  read again",
                disk.figure()
                        .map(speed -> gigabytesPerSecond(speed.cachedBytesPerSecond()) + ", from the page cache")
                        .orElse("not measured"));
        return disk;
    }

    private static Finding<DiskSpeed> disk(Path cache) {
        try (CleanStop _ = CleanStop.open()) { // the file that is read does not stay
            Files.createDirectories(cache);
            long free = cache.toFile().getUsableSpace();
            long bytes = Math.min(DISK_BYTES, Math.min(free / DISK_SHARE, AvailableMemory.bytes() / DIRTY_SHARE));
            DiskSpeed speed = DiskSpeed.measure(cache, bytes);
            return Finding.of(speed, speed.way());
        } catch (IOException | UncheckedIOException e) {
            return Finding.failed("cannot be written", e);
        }
    }

    /// Measures what decoding costs too.
    ///
    /// @throws UncheckedIOException if the thread is interrupted
    Diagnosis withDecoding(int threads, Effort effort, FactLines lines) {
        Finding<DecodeCosts> measured = decoding(threads, effort, lines);
        requireNoInterrupt();
        measured.figure().ifPresentOrElse(costs -> tell(costs, lines), () -> lines.row("decoding", measured.remark()));
        Optional<PromptCosts> ofPrompts = measured.figure().flatMap(_ -> prompts(threads, effort, lines));
        requireNoInterrupt();
        return with(measured, ofPrompts);
    }

    /// Says that it was not measured what decoding costs.
    Diagnosis withoutDecoding(FactLines lines) {
        Finding<DecodeCosts> none =
                Finding.none("not measured; without --threads doctor does, and keeps what it finds");
        lines.row("decoding", none.remark());
        return with(none, Optional.empty());
    }

    private Diagnosis with(Finding<DecodeCosts> decoding, Optional<PromptCosts> prompts) {
        return new Diagnosis(processor, kernels, readBytesPerSecond, cache, disk, decoding, prompts);
    }

    private Optional<PromptCosts> prompts(int threads, Effort effort, FactLines lines) {
        lines.measuring("prompts");
        EngineConfig config = EngineConfig.DEFAULT.withThreads(threads).withNativeDirectory(cache);
        try (CleanStop _ = CleanStop.open()) { // the stores that are read do not stay
            PromptCosts costs = PromptCalibration.measure(cache, config, memoryToRead(effort), effort);
            tell(costs, lines);
            return Optional.of(costs);
        } catch (IOException | RuntimeException e) { // whatever failed, the other findings stand
            lines.row("prompts", "not measured: " + Failure.of(e).sentence());
            return Optional.empty();
        }
    }

    private Finding<DecodeCosts> decoding(int threads, Effort effort, FactLines lines) {
        EngineConfig config = EngineConfig.DEFAULT.withThreads(threads).withNativeDirectory(cache);
        try (CleanStop _ = CleanStop.open()) { // the stores that are read do not stay
            DecodeCosts costs = Calibration.measure(
                    cache, config, memoryToRead(effort), effort, step -> lines.measuring("decoding, " + step));
            return Finding.of(costs, "measured");
        } catch (IOException | RuntimeException e) { // whatever failed, the other findings stand
            return Finding.failed("not measured", e);
        }
    }

    /// What was found is told; whoever interrupts does not want to know the rest.
    private static void requireNoInterrupt() {
        if (Thread.currentThread().isInterrupted()) {
            throw new UncheckedIOException(new InterruptedIOException("the measurement was interrupted"));
        }
    }

    private static void tell(DecodeCosts costs, FactLines lines) {
        costs.reading().forEach((type, rates) -> {
            List<Double> ascending = List.copyOf(rates.points().values());
            lines.row(
                    "  " + type.label() + " by kernels",
                    gigabytesPerSecond(ascending.getLast()) + ", in caches "
                            + gigabytesPerSecond(ascending.getFirst()));
        });
        lines.row(
                "a layer beside weights",
                "if it is " + WIDTH + " wide, " + micros(costs.layerSeconds(WIDTH, Double.MAX_VALUE)) + ", in caches "
                        + micros(costs.layerSeconds(WIDTH, 0)));
        lines.row(
                "an expert beside weights",
                micros(costs.expertSeconds().at(Double.MAX_VALUE)) + ", in caches "
                        + micros(costs.expertSeconds().at(0)));
        lines.row(
                "a missing expert",
                "of 1 MiB alone, from disk " + micros(costs.fromDisk().seconds(1, MEBIBYTE)) + ", from the page cache "
                        + micros(costs.fromPageCache().seconds(1, MEBIBYTE)));
    }

    /// Tells what was found of prompts.
    static void tell(PromptCosts costs, FactLines lines) {
        lines.row(
                "products of prompts",
                PROMPT_TYPES.stream()
                        .flatMap(type -> costs.products(type).stream()
                                .map(of -> String.format(
                                                Locale.ROOT, "%.0f", 1e-9 / of.seconds(1.0 / PROMPT_ROWS, PROMPT_ROWS))
                                        + " billion a second (" + type.label() + ")"))
                        .collect(Collectors.joining(", ")));
        lines.row(
                "a token of a prompt",
                "beside products, in a layer " + WIDTH + " wide, "
                        + String.format(
                                Locale.ROOT,
                                "%.1f",
                                1e6 * costs.besideSeconds(WIDTH, WIDTH, SpeedForecast.PROMPT_TOKENS))
                        + " µs");
    }

    private static String micros(double seconds) {
        return String.format(Locale.ROOT, "%.0f µs", 1e6 * seconds);
    }

    /// Returns what was measured as a profile to predict speeds with; nothing if it was not measured whole.
    Optional<MachineProfile> profile() {
        double memory = readBytesPerSecond.values().stream()
                .mapToDouble(rate -> rate)
                .max()
                .orElseThrow();
        return disk.figure()
                .flatMap(speed -> decoding.figure()
                        .map(costs -> MachineProfile.ofHost(
                                        processor, memory, speed.bytesPerSecond(), speed.cachedBytesPerSecond(), 0)
                                .withDecodeCosts(costs)));
    }

    /// Returns the fields of the profile's file; nothing if it was not measured whole.
    Optional<Map<String, Object>> profileFields() {
        return profile().map(profile -> {
            Map<String, Object> fields = profile.fields();
            prompts.ifPresent(costs -> fields.put(PromptCosts.KEY, costs.fields()));
            return fields;
        });
    }

    /// Returns the findings under the names that `--json` prints.
    Map<String, Object> fields(GpuDiagnosis gpus) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("java", javaVersion());
        fields.put("processor", processor);
        fields.put("processors", Runtime.getRuntime().availableProcessors());
        fields.put("physical_cores", PhysicalCores.count());
        Map<String, Object> tiers = new LinkedHashMap<>();
        kernels.forEach((choice, description) -> tiers.put(name(choice), description));
        fields.put("kernels", tiers);
        fields.put("memory_bytes", AvailableMemory.totalBytes());
        fields.put("available_bytes", AvailableMemory.bytes());
        AvailableMemory.containerLimitBytes().ifPresent(limit -> fields.put("container_limit_bytes", limit));
        Map<String, Object> rates = new LinkedHashMap<>();
        readBytesPerSecond.forEach((threads, rate) -> rates.put(threads.toString(), rate));
        fields.put("read_bytes_per_second", rates);
        decoding.figure().ifPresent(costs -> fields.put("decode_costs", costs.fields()));
        prompts.ifPresent(costs -> fields.put(PromptCosts.KEY, costs.fields()));
        fields.put("calibration", decoding.remark());
        fields.put("cache", cache.toString());
        disk.figure().ifPresent(speed -> fields.put("disk_bytes_per_second", speed.bytesPerSecond()));
        disk.figure().ifPresent(speed -> fields.put("cached_bytes_per_second", speed.cachedBytesPerSecond()));
        fields.put("disk", disk.remark());
        fields.putAll(gpus.fields());
        return fields;
    }

    /// Returns how much memory to read for the speed that weights come at: as much as there is of them, of which caches
    /// hold some, or what no cache holds; less if there is not as much to spare.
    public static long memoryToRead(long weightBytes) {
        return Math.min(weightBytes, memoryToRead(Effort.DEFAULT));
    }

    private static long memoryToRead(Effort effort) {
        return Math.min(wanted(effort), AvailableMemory.bytes() / MEMORY_SHARE);
    }

    /// Returns how much memory to read where there is enough.
    private static long wanted(Effort effort) {
        return effort.bytes(MemoryBandwidth.bytesBeyondCaches());
    }

    /// Writes a rate in units of 10^9 bytes, as those of memory are given.
    public static String gigabytesPerSecond(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
    }

    private static Map<KernelChoice, String> kernels(Path cache, int threads, FactLines lines) {
        VectorModule.load();
        Map<KernelChoice, String> kernels = new TreeMap<>();
        for (KernelChoice choice : KernelChoice.values()) {
            String description = description(cache, threads, choice);
            kernels.put(choice, description);
            lines.row("kernels " + name(choice), description);
        }
        return kernels;
    }

    private static String description(Path cache, int threads, KernelChoice choice) {
        try (CpuDevice device = CpuDevice.open(threads, choice, Optional.of(cache))) {
            return device.description();
        } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String name(KernelChoice choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    private static String javaVersion() {
        String vendor = System.getProperty("java.vendor");
        boolean named = !"N/A".equals(vendor); // as builds say where nobody named one
        return Runtime.version() + (named ? " of " + vendor : "") + " in " + System.getProperty("java.home");
    }

    private static String cores() {
        return PhysicalCores.count() + " physical, "
                + Plural.of(Runtime.getRuntime().availableProcessors(), "hardware thread") + " for this process";
    }

    private static String memory() {
        MemoryLimit tightest = AvailableMemory.tightest();
        String all = ByteSize.format(AvailableMemory.totalBytes()) + ", of which "
                + ByteSize.format(tightest.availableBytes()) + " are available";
        return tightest.bytes() < AvailableMemory.totalBytes()
                ? all + ": " + tightest.what() + " has " + ByteSize.format(tightest.bytes())
                : all;
    }

    /// Returns the model of the processor as Linux names it, elsewhere the architecture.
    private static String processorName() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElseGet(() -> System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
