package io.moetier.tools.emulate;

import io.moetier.engine.device.HostClock;
import io.moetier.engine.device.cuda.CudaDevice;
import io.moetier.engine.device.cuda.CudaDriver;
import io.moetier.engine.device.cuda.CudaLookup;
import io.moetier.tools.emulate.driver.EmulatedDriver;
import io.moetier.tools.emulate.driver.EmulatedOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The first device of an emulated driver, which runs from the first [#open()] to the last [#close()]. One at a time
/// in a process.
///
/// Confined to one thread, but for [#virtualNanos()].
public final class EmulatedCuda implements VirtualDevice {
    private final EmulatedOptions options;
    private final Optional<Path> directory;
    private final boolean timed;
    private volatile @Nullable EmulatedDriver driver;
    private int opened;

    /// @param directory where LWJGL's own library stays unpacked; empty for a temporary directory
    public EmulatedCuda(EmulatedOptions options, Optional<Path> directory) {
        this(options, directory, false);
    }

    /// @param timed whether experts are loaded by the thread that computes, in the virtual time of a loader, so that
    ///     virtual time depends on no scheduling of threads
    public EmulatedCuda(EmulatedOptions options, Optional<Path> directory, boolean timed) {
        this.options = options;
        this.directory = directory;
        this.timed = timed;
    }

    @Override
    public String kind() {
        return "an emulated";
    }

    @Override
    public String gpu() {
        return options.gpus().getFirst().profile().id();
    }

    /// @throws IllegalArgumentException if the driver cannot be emulated on this platform
    @Override
    public CudaDevice open() {
        opened++;
        return CudaDevice.open(binding(), 0, timed ? Optional.of(new Clock()) : Optional.empty());
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
