package io.moetier.emulator.driver;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.machine.CallTrace;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.LeakReport;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.Timekeeper;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.emulator.memory.DeviceMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.function.DoubleSupplier;
import java.util.function.Function;

/// A running CUDA driver without a GPU. A program reaches it through [#library()], as it would reach
/// `libcuda.so.1`.
///
/// **One a process.** LWJGL binds the functions of the first driver it meets, once and for all. The library
/// is therefore the same for every driver that is started in a process, one after the other; after [#close]
/// its functions answer `CUDA_ERROR_DEINITIALIZED` until the next start. [#reset] puts a new driver behind
/// it in one step, which is what a test does first. Handles and addresses of the one before are void then;
/// pinned memory that was not given back stays readable.
///
/// **Threads.** Any thread may call, functions of the driver as well as these methods: one lock guards all.
public final class EmulatedDriver implements Timekeeper, AutoCloseable {
    private static final Set<String> STEP_FUNCTIONS = Set.of(
            "cuLaunchKernel",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuStreamSynchronize",
            "cuStreamWaitEvent",
            "cuEventRecord",
            "cuEventSynchronize",
            "cuCtxSetCurrent");

    private final DriverLibrary library;
    private volatile Machine machine;

    private EmulatedDriver(DriverLibrary library, Machine machine) {
        this.library = library;
        this.machine = machine;
    }

    /// Starts a driver.
    ///
    /// @throws IllegalStateException if one is running in this process, or if its library cannot be written
    ///     for this platform
    /// @throws IOException if its library cannot be written
    public static EmulatedDriver start(EmulatedOptions options) throws IOException {
        DriverLibrary library = DriverLibrary.shared();
        Machine machine = new Machine(options, library.computeCache());
        library.connect(machine);
        return new EmulatedDriver(library, machine);
    }

    /// Returns the library, for LWJGL's `Configuration.CUDA_LIBRARY_NAME`.
    public Path library() {
        return library.file();
    }

    /// Begins anew, as after a restart of the computer.
    public void reset(EmulatedOptions options) {
        Machine before = machine;
        Machine next = new Machine(options, library.computeCache());
        library.exchange(before, next);
        machine = next;
        before.locked(before::discard);
    }

    /// Returns which functions were called, since the start or the last reset.
    public CallTrace calls() {
        Machine now = machine;
        return now.locked(now::trace);
    }

    /// Returns what was not given back.
    public LeakReport leaks() {
        Machine now = machine;
        return now.locked(now::leaks);
    }

    /// Returns what went wrong, in words, the latest last: at most a thousand messages.
    public List<String> diagnostics() {
        Machine now = machine;
        return now.locked(() -> now.diagnostics().all());
    }

    /// Makes a function fail later.
    public void inject(InjectedFault fault) {
        Machine now = machine;
        now.locked(() -> {
            now.faults().add(fault);
            return fault;
        });
    }

    /// Returns the host's virtual time, since the start or the last reset.
    @Override
    public double virtualNanos() {
        Machine now = machine;
        return now.locked(() -> now.scheduler().hostNanos());
    }

    /// Returns for how long an engine of a device has worked, as far as the host has waited for it.
    public double busyNanos(int device, EngineKind engine) {
        Machine now = machine;
        return now.locked(() -> now.device(device).engine(engine).busyNanos());
    }

    /// Returns how much memory of a device is allocated.
    public long usedBytes(int device) {
        Machine now = machine;
        return now.locked(() -> {
            DeviceMemory memory = now.device(device).memory();
            return memory.capacityBytes() - memory.freeBytes();
        });
    }

    /// Returns what the engines did, as far as the host has waited for it; empty unless the options ask for
    /// it.
    public List<TimelineEntry> timeline() {
        Machine now = machine;
        return now.locked(() -> now.scheduler().timeline());
    }

    @Override
    public List<TimelineEntry> takeTimeline() {
        Machine now = machine;
        return now.locked(() -> now.scheduler().takeTimeline());
    }

    @Override
    public void keepTimeline(boolean keeps) {
        Machine now = machine;
        now.locked(() -> {
            now.scheduler().keepTimeline(keeps);
            return keeps;
        });
    }

    /// Silences what a step calls, which then does nothing and succeeds, without a way through Java, until [#close()]:
    /// launches, copies, events and waits. What remains is what the program itself does; copies leave their
    /// targets as they were.
    public void silenceSteps() {
        library.silence(STEP_FUNCTIONS);
    }

    /// Charges a kernel that somebody else computes: the stream is busy with it as if it had been launched.
    ///
    /// A context must be current on this thread.
    ///
    /// @param stream a handle of the driver's, 0 for the null stream
    /// @param kernel a name for the timeline
    /// @param bytes of device memory that it would read and write
    /// @param flops its floating-point operations, a fused multiply-add counting twice
    /// @throws IllegalStateException if no context is current or the stream is none
    public void chargeKernel(long stream, String kernel, double bytes, double flops) {
        charge(
                stream,
                machine.costs().latencies().launchNanos(),
                device -> Command.work(
                        kernel,
                        device.engines(EngineKind.COMPUTE),
                        () -> machine.costs().kernelNanos(device.profile(), bytes, flops)));
    }

    /// Charges a copy of pinned memory that somebody else makes, or nobody.
    ///
    /// A context must be current on this thread.
    ///
    /// @param stream as above
    /// @param engine in which direction: [EngineKind#TO_DEVICE] or [EngineKind#TO_HOST]
    /// @throws IllegalStateException as above
    public void chargeCopy(long stream, EngineKind engine, long bytes) {
        charge(
                stream,
                0,
                device -> Command.work(
                        engine.label(),
                        device.engines(engine),
                        () -> machine.costs().copyNanos(device.profile(), bytes, true)));
    }

    private void charge(long stream, double hostNanos, Function<EmulatedDevice, Command> command) {
        Machine now = machine;
        now.locked(() -> {
            now.scheduler().advanceHost(now.costs().latencies().callNanos() + hostNanos);
            try {
                now.issue(now.stream(stream), command.apply(now.context().device()));
            } catch (DriverError e) {
                throw new IllegalStateException(e.status() + ": " + e.reason(), e);
            }
            return stream;
        });
    }

    /// Passes virtual time in which the host works.
    public void chargeHost(double nanos) {
        Machine now = machine;
        now.locked(() -> {
            now.scheduler().advanceHost(nanos);
            return nanos;
        });
    }

    /// Runs errands of the host when their virtual time comes, on the thread that waits for a device.
    ///
    /// @param nextNanos when the next one begins; infinity if there is none
    /// @param runUntil does those whose time has come by then; the host's time is as before when it returns
    public void attend(DoubleSupplier nextNanos, DoubleConsumer runUntil) {
        Machine now = machine;
        now.locked(() -> {
            now.scheduler().attend(nextNanos, runUntil);
            return now;
        });
    }

    /// Goes on at another virtual time of the host's, which may be earlier: that of another thread, which does what
    /// follows then.
    public void setVirtualNanos(double nanos) {
        Machine now = machine;
        now.locked(() -> {
            now.scheduler().setHost(nanos);
            return nanos;
        });
    }

    /// Ends the driver. Its functions answer `CUDA_ERROR_DEINITIALIZED` from then on.
    @Override
    public void close() {
        Machine last = machine;
        library.disconnect(last);
        last.locked(last::discard);
    }
}
