package io.moetier.cli.throughput;

import io.moetier.cli.doctor.Diagnosis;
import io.moetier.cli.report.ModelClock;
import io.moetier.cli.terminal.Failure;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.bandwidth.MemoryBandwidth;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.lab.throughput.ArithmeticPeak;
import io.moetier.lab.throughput.Peaks;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.DiskSpeed;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// What this machine gives at most, measured as `doctor` does; of a GPU that is not there, what its profile says.
final class MachinePeaks {
    private static final long DISK_BYTES = 256L << 20;
    private static final int DISK_SHARE = 4;

    private final Path cache;
    private final EngineConfig config;
    private final Set<DType> types;
    private final Optional<MachineProfile> kept;
    private Optional<DiskSpeed> disk = Optional.empty();
    private Optional<String> noDisk = Optional.empty(); // why

    /// @param cache the folder of imported models, on whose disk experts are
    /// @param config what computes
    MachinePeaks(Path cache, EngineConfig config, Set<DType> types) {
        this.cache = cache;
        this.config = config;
        this.types = types;
        kept = MachineProfile.kept(cache);
    }

    /// Returns what `doctor` has kept of this machine, for predictions.
    Optional<MachineProfile> profile() {
        return kept;
    }

    /// Returns why nobody knows what the disk gives, as a sentence; nothing if that is known, or was not asked.
    Optional<String> whyNoDisk() {
        return noDisk;
    }

    /// Measures the peaks for so many threads.
    ///
    /// @param workingSet bytes that the model reads in turn: what caches hold of them is read from there
    Peaks measure(LoadedModel model, int threads, double workingSet) throws InterruptedIOException {
        Optional<VirtualDevice> gpu = new ModelClock(model).virtual();
        if (gpu.isPresent() || threads == 0) {
            Optional<MachineProfile.Device> device = gpu.map(VirtualDevice::gpu)
                    .flatMap(MachineProfile::ofDevice)
                    .flatMap(MachineProfile::device);
            return new Peaks(
                    rate(device.map(MachineProfile.Device::bytesPerSecond)),
                    OptionalDouble.empty(),
                    gpu.isPresent() ? OptionalDouble.empty() : disk(model),
                    rate(device.map(MachineProfile.Device::linkBytesPerSecond)));
        }
        double memory;
        try (MemoryBandwidth read = MemoryBandwidth.open(Diagnosis.memoryToRead((long) workingSet))) {
            memory = read.bytesPerSecond(threads);
        }
        double operations = 0; // the roof is that of the fastest type
        try (CpuDevice device = CpuDevice.open(threads, config.compute().kernels(), Optional.of(cache))) {
            for (DType type : types) {
                operations = Math.max(operations, ArithmeticPeak.measure(device, type));
            }
        }
        return new Peaks(OptionalDouble.of(memory), OptionalDouble.of(operations), disk(model), OptionalDouble.empty());
    }

    private static OptionalDouble rate(Optional<Double> rate) {
        return rate.isPresent() ? OptionalDouble.of(rate.get()) : OptionalDouble.empty();
    }

    /// Returns what the disk gives, or the page cache where experts are read from there.
    private OptionalDouble disk(LoadedModel model) throws InterruptedIOException {
        if (model.engine().allExpertsFit()) {
            return OptionalDouble.empty();
        }
        boolean pastCache = model.engine().store().readsPastCache();
        Optional<MachineProfile> known =
                kept.filter(profile -> profile.diskBytesPerSecond().isPresent());
        if (known.isPresent()) {
            OptionalDouble cached = known.get().cachedBytesPerSecond();
            return pastCache || cached.isEmpty() ? known.get().diskBytesPerSecond() : cached;
        }
        if (disk.isEmpty() && noDisk.isEmpty()) {
            measureDisk();
        }
        return rate(disk.map(speed -> pastCache ? speed.bytesPerSecond() : speed.cachedBytesPerSecond()));
    }

    /// A folder that cannot be written costs a bound, and not what was measured.
    private void measureDisk() throws InterruptedIOException {
        try {
            disk = Optional.of(DiskSpeed.measure(cache, Math.min(DISK_BYTES, AvailableMemory.bytes() / DISK_SHARE)));
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("the measurement was interrupted");
            }
            noDisk = Optional.of("The disk of the cache folder was not measured: "
                    + Failure.of(e).sentence() + ".");
        }
    }
}
