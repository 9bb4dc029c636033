package io.moetier.tools.emulate;

import io.moetier.engine.device.DeviceFactory;
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
public final class EmulatedCuda implements DeviceFactory {
    private final EmulatedOptions options;
    private final Optional<Path> directory;
    private volatile @Nullable EmulatedDriver driver;
    private int opened;

    /// @param directory where LWJGL's own library stays unpacked; empty for a temporary directory
    public EmulatedCuda(EmulatedOptions options, Optional<Path> directory) {
        this.options = options;
        this.directory = directory;
    }

    /// Returns what GPUs call this one: the id of its profile.
    public String gpu() {
        return options.gpus().getFirst().profile().id();
    }

    /// @throws IllegalArgumentException if the driver cannot be emulated on this platform
    @Override
    public CudaDevice open() {
        opened++;
        return CudaDevice.open(binding(), 0);
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

    /// Returns the virtual time since the driver was started.
    public double virtualNanos() {
        return driver().virtualNanos();
    }

    /// Makes marks in virtual time; one at a time, to be closed before the device.
    public EmulatedMarks newMarks() {
        return new EmulatedMarks(driver());
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
