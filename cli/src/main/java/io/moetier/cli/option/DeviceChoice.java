package io.moetier.cli.option;

import io.moetier.emulator.driver.clock.GpuProfile;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/// What `--device` asks for.
public sealed interface DeviceChoice {
    /// The GPU that is emulated unless another one is named.
    String DEFAULT_GPU = "rtx3060";

    /// The processor.
    record Cpu() implements DeviceChoice {}

    /// A GPU by its number.
    record Cuda(int ordinal) implements DeviceChoice {}

    /// A GPU that is not there.
    record Emulated(GpuProfile gpu) implements DeviceChoice {}

    /// A GPU that is not there, whose work the processor does.
    record Simulated(GpuProfile gpu) implements DeviceChoice {}

    /// Several GPUs, all of them there or none.
    record Several(List<DeviceChoice> devices) implements DeviceChoice {
        /// @throws IllegalArgumentException if they do not go together
        public Several {
            devices = List.copyOf(devices);
            boolean together = devices.stream().allMatch(Cuda.class::isInstance)
                    || devices.stream().allMatch(Emulated.class::isInstance);
            if (!together) {
                throw new IllegalArgumentException(
                        "several devices are all cuda:N or all emulated:GPU, with commas between them");
            }
            if (devices.getFirst() instanceof Cuda && Set.copyOf(devices).size() < devices.size()) {
                throw new IllegalArgumentException("several devices: each GPU is named once");
            }
        }
    }

    /// The first GPU if it can be used, else the processor.
    record Auto() implements DeviceChoice {}

    /// Reads `text`, whose letters may be large or small.
    ///
    /// @throws IllegalArgumentException if it is no choice
    static DeviceChoice parse(String text) {
        if (text.contains(",")) {
            return new Several(
                    Arrays.stream(text.split(",", -1)).map(DeviceChoice::parse).toList());
        }
        int colon = text.indexOf(':');
        String kind = (colon < 0 ? text : text.substring(0, colon)).toLowerCase(Locale.ROOT);
        String which = text.substring(colon + 1);
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "cpu" -> new Cpu();
            case "auto" -> new Auto();
            case "cuda" -> new Cuda(0);
            case "emulated" -> new Emulated(gpu("emulated", DEFAULT_GPU));
            case "simulated" -> new Simulated(gpu("simulated", DEFAULT_GPU));
            default ->
                switch (kind) {
                    case "cuda" -> new Cuda(ordinal(which));
                    case "emulated" -> new Emulated(gpu(kind, which));
                    case "simulated" -> new Simulated(gpu(kind, which));
                    default ->
                        throw new IllegalArgumentException(
                                "expected cpu, cuda, cuda:N, emulated, emulated:GPU, simulated, simulated:GPU or auto, found '"
                                        + text + "'");
                };
        };
    }

    private static int ordinal(String text) {
        if (!text.matches("\\d{1,4}")) {
            throw new IllegalArgumentException("expected the number of a GPU after cuda:, found '" + text + "'");
        }
        return Integer.parseInt(text);
    }

    private static GpuProfile gpu(String kind, String id) {
        return GpuProfile.of(id)
                .orElseThrow(() -> new IllegalArgumentException("expected one of "
                        + GpuProfile.all().stream().map(GpuProfile::id).collect(Collectors.joining(", "))
                        + " after " + kind + ":, found '" + id + "'"));
    }
}
