package io.moetier.cli;

import io.moetier.engine.device.cpu.CpuDevice;
import io.moetier.engine.device.cpu.KernelChoice;
import io.moetier.engine.device.cpu.MemoryBandwidth;
import io.moetier.engine.offload.DecodeCosts;
import io.moetier.engine.offload.MachineProfile;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.PhysicalCores;
import io.moetier.storage.expert.DiskSpeed;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.tools.calibrate.Calibration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/// What a machine offers, measured where it can be.
///
/// @param kernels for each choice of kernels what it computes with, or why it cannot be had
/// @param readBytesPerSecond of memory, by the number of threads
/// @param disk nothing if the cache folder cannot be written
/// @param calibration what decoding costs; nothing if it was not asked for or the cache folder cannot be written
record Diagnosis(
        String processor,
        Map<KernelChoice, String> kernels,
        Map<Integer, Double> readBytesPerSecond,
        Path cache,
        Optional<DiskSpeed> disk,
        String diskRemark,
        Optional<Calibration> calibration) {
    private static final int MEMORY_SHARE = 8;
    private static final long DISK_BYTES = 256L << 20;
    private static final int DISK_SHARE = 16;
    private static final int WIDTH = 1024;
    private static final double MEBIBYTE = 1 << 20;

    /// Measures this machine.
    ///
    /// @param cache the folder of imported models
    /// @param threads how many threads compute
    /// @param calibrate whether to measure what decoding costs, too
    static Diagnosis of(Path cache, int threads, boolean calibrate) {
        Map<KernelChoice, String> kernels = kernels(cache, threads);
        Map<Integer, Double> bandwidths = new TreeMap<>();
        try (MemoryBandwidth memory = MemoryBandwidth.open(memoryToRead())) {
            bandwidths.put(1, memory.bytesPerSecond(1));
            bandwidths.computeIfAbsent(threads, memory::bytesPerSecond);
        }
        try (CleanStop _ = CleanStop.open()) { // the file that is read does not stay
            Files.createDirectories(cache);
            long free = Files.getFileStore(cache).getUsableSpace();
            DiskSpeed speed = DiskSpeed.measure(cache, Math.min(DISK_BYTES, free / DISK_SHARE));
            Optional<Calibration> calibration = calibrate ? Optional.of(calibration(cache, threads)) : Optional.empty();
            return new Diagnosis(
                    processorName(), kernels, bandwidths, cache, Optional.of(speed), speed.way(), calibration);
        } catch (IOException | UncheckedIOException e) {
            String reason = "cannot be written: " + Failure.of(e).sentence();
            return new Diagnosis(
                    processorName(), kernels, bandwidths, cache, Optional.empty(), reason, Optional.empty());
        }
    }

    private static Calibration calibration(Path cache, int threads) throws IOException {
        EngineConfig config = EngineConfig.DEFAULT.withThreads(threads).withNativeDirectory(cache);
        return Calibration.measure(cache, config, memoryToRead());
    }

    /// Returns the findings for people.
    String table(GpuDiagnosis gpus) {
        Table table = Table.ofFacts()
                .row("Java", javaVersion())
                .row("processor", processor)
                .row("cores", cores());
        kernels.forEach((choice, description) -> table.row("kernels " + name(choice), description));
        table.row("memory", memory());
        readBytesPerSecond.forEach((threads, rate) ->
                table.row("  read by " + threads + (threads == 1 ? " thread" : " threads"), gigabytesPerSecond(rate)));
        calibration.ifPresent(measured -> addTo(table, measured));
        table.row("cache folder", cache)
                .row(
                        "  read",
                        disk.map(speed -> gigabytesPerSecond(speed.bytesPerSecond()) + ", ")
                                        .orElse("")
                                + diskRemark)
                .row(
                        "  read again",
                        disk.map(speed -> gigabytesPerSecond(speed.cachedBytesPerSecond()) + ", from the page cache")
                                .orElse("not measured"));
        gpus.addTo(table);
        return table.toString();
    }

    private static void addTo(Table table, Calibration measured) {
        DecodeCosts costs = measured.costs();
        costs.reading().forEach((type, rates) -> {
            List<Double> ascending = List.copyOf(rates.values());
            table.row(
                    "  " + type.label() + " by kernels",
                    gigabytesPerSecond(ascending.getLast()) + ", in caches "
                            + gigabytesPerSecond(ascending.getFirst()));
        });
        table.row(
                "a layer beside weights",
                micros(measured.layerSeconds() + WIDTH * costs.widthSeconds()) + " if it is " + WIDTH + " wide, and "
                        + micros(costs.expertSeconds()) + " per expert");
        table.row(
                "a missing expert",
                "of 1 MiB alone, from disk " + micros(costs.fromDisk().seconds(1, MEBIBYTE)) + ", from the page cache "
                        + micros(costs.fromPageCache().seconds(1, MEBIBYTE)));
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
        return disk.flatMap(speed -> calibration.map(measured -> MachineProfile.ofHost(
                        processor,
                        memory,
                        speed.bytesPerSecond(),
                        speed.cachedBytesPerSecond(),
                        measured.layerSeconds())
                .withDecodeCosts(measured.costs())));
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
        calibration.ifPresent(measured -> fields.put("layer_seconds", measured.layerSeconds()));
        calibration.ifPresent(
                measured -> fields.put("decoding", measured.costs().fields()));
        fields.put("cache", cache.toString());
        disk.ifPresent(speed -> fields.put("disk_bytes_per_second", speed.bytesPerSecond()));
        disk.ifPresent(speed -> fields.put("cached_bytes_per_second", speed.cachedBytesPerSecond()));
        fields.put("disk", diskRemark);
        fields.putAll(gpus.fields());
        return fields;
    }

    /// Returns how much memory to read for its speed: what no cache holds, if there is as much to spare.
    static long memoryToRead() {
        return Math.min(MemoryBandwidth.BYTES, AvailableMemory.bytes() / MEMORY_SHARE);
    }

    /// Writes a rate in units of 10^9 bytes, as those of memory are given.
    static String gigabytesPerSecond(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
    }

    private static Map<KernelChoice, String> kernels(Path cache, int threads) {
        VectorModule.load();
        Map<KernelChoice, String> kernels = new TreeMap<>();
        for (KernelChoice choice : KernelChoice.values()) {
            try (CpuDevice device = CpuDevice.open(threads, choice, Optional.of(cache))) {
                kernels.put(choice, device.description());
            } catch (IllegalArgumentException e) {
                kernels.put(choice, String.valueOf(e.getMessage()));
            }
        }
        return kernels;
    }

    private static String name(KernelChoice choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    private static String javaVersion() {
        return Runtime.version() + " of " + System.getProperty("java.vendor") + " in "
                + System.getProperty("java.home");
    }

    private static String cores() {
        return PhysicalCores.count() + " physical, " + Runtime.getRuntime().availableProcessors()
                + " hardware threads for this process";
    }

    private static String memory() {
        OptionalLong limit = AvailableMemory.containerLimitBytes();
        return ByteSize.format(AvailableMemory.totalBytes()) + ", of which " + ByteSize.format(AvailableMemory.bytes())
                + " are available"
                + (limit.isPresent() ? ", in a container of " + ByteSize.format(limit.getAsLong()) : "");
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
