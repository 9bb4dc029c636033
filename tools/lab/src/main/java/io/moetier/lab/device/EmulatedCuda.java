package io.moetier.lab.device;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.offload.Loaders;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The first device of an emulated driver, and by [#devices()] all of them. The driver runs from the first [#open()] to
/// the last [#close()]. One at a time
/// in a process.
///
/// Confined to one thread, but for [#virtualNanos()].
public final class EmulatedCuda implements VirtualDevice {
    private final EmulatedOptions options;
    private final Optional<Path> directory;
    private final boolean timed;
    private final ActivationType activations;
    private volatile @Nullable EmulatedDriver driver;
    private int opened;

    /// @param directory where LWJGL's own library stays unpacked; empty for a temporary directory
    public EmulatedCuda(EmulatedOptions options, Optional<Path> directory) {
        this(options, directory, false, ActivationType.F32);
    }

    /// @param timed whether experts are loaded by the thread that computes, in the virtual time of a loader, so that
    ///     virtual time depends on no scheduling of threads
    /// @param activations of the devices
    public EmulatedCuda(EmulatedOptions options, Optional<Path> directory, boolean timed, ActivationType activations) {
        this.options = options;
        this.directory = directory;
        this.timed = timed;
        this.activations = activations;
    }

    @Override
    public String kind() {
        return "an emulated";
    }

    @Override
    public String gpu() {
        return options.gpus().stream().map(gpu -> gpu.profile().id()).collect(Collectors.joining(" + "));
    }

    /// @throws IllegalArgumentException if the driver cannot be emulated on this platform
    @Override
    public CudaDevice open() {
        return open(0);
    }

    private CudaDevice open(int ordinal) {
        opened++;
        return CudaDevice.open(binding(), ordinal, activations);
    }

    /// Returns all devices of the driver, this one first; each is opened and closed by itself.
    public List<DeviceFactory> devices() {
        List<DeviceFactory> devices = new ArrayList<>();
        devices.add(this);
        for (int ordinal = 1; ordinal < options.gpus().size(); ordinal++) {
            devices.add(new Further(ordinal));
        }
        return List.copyOf(devices);
    }

    /// A device beside the first.
    private final class Further implements DeviceFactory {
        private final int ordinal;

        Further(int ordinal) {
            this.ordinal = ordinal;
        }

        @Override
        public CudaDevice open() {
            return EmulatedCuda.this.open(ordinal);
        }

        @Override
        public void close() {
            EmulatedCuda.this.close();
        }
    }

    @Override
    public Loaders loaders() {
        return timed ? new LoadersInTime(new Clock()) : Loaders.THREADS;
    }

    /// The host's time, which the driver has.
    private final class Clock implements HostClock {
        @Override
        public double nanos() {
            return driver().virtualNanos();
        }

        @Override
        public void set(double nanos) {
            driver().setVirtualNanos(nanos);
        }

        @Override
        public double processorNanos(long bytes, int rows) {
            return options.timing().costs().processor().nanos(bytes, rows);
        }

        /// The errands come in the midst of a call for some device, and may be those of another one.
        @Override
        public void attend(HostErrands errands) {
            driver().attend(errands::nextNanos, nanos -> CudaContext.aside(() -> errands.runUntil(nanos)));
        }
    }

    /// Returns the driver as the engine sees it, starting it if it does not run.
    ///
    /// @throws IllegalArgumentException if it cannot be emulated on this platform
    public CudaDriver binding() {
        EmulatedDriver running = driver;
        if (running == null) {
            running = start();
            driver = running;
        }
        return switch (CudaDriver.find(Optional.of(running.library()), directory)) {
            case CudaLookup.Found(CudaDriver found) -> found;
            case CudaLookup.Absent(String reason, boolean _) ->
                throw new IllegalArgumentException("the emulated GPU cannot be used: " + reason);
        };
    }

    private EmulatedDriver start() {
        try {
            return EmulatedDriver.start(options);
        } catch (IOException | IllegalStateException e) {
            throw new IllegalArgumentException("a GPU cannot be emulated here: " + e.getMessage(), e);
        }
    }

    /// Returns the driver.
    ///
    /// @throws IllegalStateException if it does not run
    public EmulatedDriver driver() {
        EmulatedDriver running = driver;
        if (running == null) {
            throw new IllegalStateException("the emulated driver does not run");
        }
        return running;
    }

    @Override
    public double virtualNanos() {
        return driver().virtualNanos();
    }

    @Override
    public VirtualMarks newMarks() {
        return new VirtualMarks(driver());
    }

    @Override
    public void close() {
        EmulatedDriver running = driver;
        if (--opened == 0 && running != null) {
            driver = null;
            running.close();
        }
    }
}
