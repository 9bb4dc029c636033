package io.moetier.cli.doctor;

import io.moetier.cli.option.ChosenDevice;
import io.moetier.cli.option.DeviceChoice;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.kernels.cuda.CudaBandwidth;
import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.kernels.cuda.driver.CudaDeviceInfo;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.device.EmulatedCuda;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The GPUs of a machine and how fast they are, or what is missing and the cure.
///
/// @param driverVersion the newest CUDA that the driver knows, as 12050 for 12.5; 0 if there is none
/// @param missing why there is no GPU to compute with, and what would help
record GpuDiagnosis(int driverVersion, List<Gpu> gpus, Optional<String> missing) {
    private static final String CURE_NO_DRIVER =
            "; install NVIDIA's driver, in a container start it with --gpus all;" + " --device emulated needs none";
    private static final String CURE_DRIVER =
            "; see what nvidia-smi says, and start anew if the driver was updated; --device emulated needs none";

    /// What starting a layer's kernels and waiting for them takes, as the named devices have it.
    private static final double LAYER_SECONDS = 40e-6;

    /// One GPU.
    ///
    /// @param number as `--device` has it
    /// @param freeBytes memory that can be had now; 0 if it cannot be used
    /// @param speed null if it cannot be used
    /// @param objection why it cannot be used
    record Gpu(
            int number,
            CudaDeviceInfo info,
            long freeBytes,
            @Nullable CudaBandwidth speed,
            Optional<String> objection) {}

    /// Measures the GPUs that a choice names, all there are for `auto`.
    static GpuDiagnosis of(DeviceChoice choice, Surroundings surroundings) {
        return switch (choice) {
            case DeviceChoice.Cpu _ -> new GpuDiagnosis(0, List.of(), Optional.of("not looked for: --device cpu"));
            case DeviceChoice.Simulated _ ->
                new GpuDiagnosis(
                        0, List.of(), Optional.of("not looked for: --device simulated computes on the processor"));
            case DeviceChoice.Auto _ -> all(surroundings);
            case DeviceChoice.Cuda cuda -> some(List.of(cuda), surroundings);
            case DeviceChoice.Emulated gpu -> emulated(List.of(gpu), surroundings);
            case DeviceChoice.Several(List<DeviceChoice> devices) ->
                devices.getFirst() instanceof DeviceChoice.Emulated
                        ? emulated(devices, surroundings)
                        : some(devices, surroundings);
        };
    }

    /// @param devices all of them CUDA's
    private static GpuDiagnosis some(List<DeviceChoice> devices, Surroundings surroundings) {
        GpuDiagnosis all = all(surroundings);
        List<Gpu> found = new ArrayList<>();
        Optional<String> missing = all.missing();
        for (DeviceChoice device : devices) {
            int ordinal = ((DeviceChoice.Cuda) device).ordinal();
            if (ordinal < all.gpus().size()) {
                found.add(all.gpus().get(ordinal));
            } else if (missing.isEmpty()) {
                int number = all.gpus().size();
                missing = Optional.of("no GPU " + ordinal + ": there " + (number == 1 ? "is " : "are ") + number);
            }
        }
        return new GpuDiagnosis(all.driverVersion(), found, missing);
    }

    private static GpuDiagnosis emulated(List<DeviceChoice> devices, Surroundings surroundings) {
        List<Gpu> gpus = new ArrayList<>();
        try (EmulatedCuda emulated =
                        ChosenDevice.emulatedCuda(devices, ActivationType.F32, surroundings.cacheDirectory());
                CudaDevice first = emulated.open()) {
            gpus.add(measure(0, first));
            for (DeviceFactory further : emulated.devices().subList(1, devices.size())) {
                try (further;
                        Device device = further.open()) {
                    gpus.add(measure(gpus.size(), (CudaDevice) device));
                }
            }
            return new GpuDiagnosis(emulated.binding().version(), gpus, Optional.empty());
        }
    }

    private static GpuDiagnosis all(Surroundings surroundings) {
        return switch (ChosenDevice.driver(surroundings)) {
            case CudaLookup.Absent(String reason, boolean isInstalled) ->
                new GpuDiagnosis(
                        0, List.of(), Optional.of("none: " + reason + (isInstalled ? CURE_DRIVER : CURE_NO_DRIVER)));
            case CudaLookup.Found(CudaDriver driver) -> {
                List<Gpu> gpus = new ArrayList<>();
                for (int ordinal = 0; ordinal < driver.deviceCount(); ordinal++) {
                    gpus.add(measure(driver, ordinal));
                }
                yield new GpuDiagnosis(driver.version(), gpus, Optional.empty());
            }
        };
    }

    private static Gpu measure(CudaDriver driver, int ordinal) {
        CudaDeviceInfo info = driver.device(ordinal);
        Optional<String> objection = CudaDevice.objection(driver, ordinal);
        if (objection.isPresent()) {
            return new Gpu(ordinal, info, 0, null, objection);
        }
        try (CudaDevice device = CudaDevice.open(driver, ordinal)) {
            return measure(ordinal, device);
        } catch (CudaException e) {
            return new Gpu(ordinal, info, 0, null, Optional.of(Failure.of(e).sentence()));
        }
    }

    private static Gpu measure(int number, CudaDevice device) {
        long free = device.availableBytes();
        return new Gpu(
                number, device.context().device(), free, CudaBandwidth.measure(device.context()), Optional.empty());
    }

    /// Returns the only GPU as a profile to predict speeds with.
    ///
    /// @param hostBytesPerSecond main memory, if it was measured
    /// @throws IllegalArgumentException if it cannot be used, with the reason
    MachineProfile profile(OptionalDouble hostBytesPerSecond) {
        if (gpus.isEmpty()) {
            throw new IllegalArgumentException("--device: " + missing.orElseThrow());
        }
        Gpu gpu = gpus.getFirst();
        CudaBandwidth speed = gpu.speed();
        if (speed == null) {
            throw new IllegalArgumentException("--device: " + gpu.info().name() + " cannot be used: "
                    + gpu.objection().orElseThrow());
        }
        return new MachineProfile(
                gpu.info().name(),
                Optional.of(
                        new MachineProfile.Device(speed.device(), speed.toDevice(), OptionalLong.of(gpu.freeBytes()))),
                hostBytesPerSecond,
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                LAYER_SECONDS,
                Optional.empty());
    }

    /// Tells people the findings.
    void tell(FactLines lines) {
        missing.ifPresent(reason -> lines.row("GPU", reason));
        if (driverVersion > 0) {
            lines.row("GPU driver", "for CUDA " + version());
        }
        gpus.forEach(gpu -> tell(lines, gpu));
    }

    private static void tell(FactLines lines, Gpu gpu) {
        CudaDeviceInfo info = gpu.info();
        lines.row(
                "GPU " + gpu.number(),
                info.name() + ", " + ByteSize.format(info.memoryBytes())
                        + gpu.objection()
                                .map(reason -> "; cannot be used: " + reason)
                                .orElseGet(() -> ", " + ByteSize.format(gpu.freeBytes()) + " free"));
        CudaBandwidth speed = gpu.speed();
        if (speed != null) {
            lines.row("  its memory", gigabytes(speed.device()) + ", reading and writing");
            lines.row("  copies to it", gigabytes(speed.toDevice()) + ", from pinned memory");
            lines.row("  copies from it", gigabytes(speed.toHost()) + ", to pinned memory");
        }
    }

    /// Returns the findings under the names that `--json` prints.
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        missing.ifPresent(reason -> fields.put("gpu", reason));
        if (driverVersion > 0) {
            fields.put("cuda", version());
        }
        fields.put("gpus", gpus.stream().map(GpuDiagnosis::fields).toList());
        return fields;
    }

    private static Map<String, Object> fields(Gpu gpu) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", gpu.info().name());
        fields.put("memory_bytes", gpu.info().memoryBytes());
        fields.put("compute_capability", gpu.info().computeCapability() / 10.0);
        gpu.objection().ifPresent(reason -> fields.put("objection", reason));
        CudaBandwidth speed = gpu.speed();
        if (speed != null) {
            fields.put("free_bytes", gpu.freeBytes());
            fields.put("device_bytes_per_second", speed.device());
            fields.put("to_device_bytes_per_second", speed.toDevice());
            fields.put("to_host_bytes_per_second", speed.toHost());
        }
        return fields;
    }

    private String version() {
        return driverVersion / 1000 + "." + driverVersion % 1000 / 10;
    }

    private static String gigabytes(double bytesPerSecond) {
        return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
    }
}
