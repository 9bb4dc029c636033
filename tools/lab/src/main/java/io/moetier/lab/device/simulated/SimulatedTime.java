package io.moetier.lab.device.simulated;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.Engine;
import io.moetier.emulator.driver.stream.EventRecord;
import io.moetier.emulator.driver.stream.Order;
import io.moetier.emulator.driver.stream.Scheduler;
import io.moetier.emulator.driver.stream.StreamGroup;
import io.moetier.emulator.driver.stream.Timekeeper;
import io.moetier.emulator.driver.stream.TimelineEntry;
import io.moetier.emulator.memory.DeviceFault;
import io.moetier.lab.device.HostClock;
import io.moetier.lab.device.HostErrands;
import java.util.List;

/// The emulated driver's streams, events and clock, without a driver: commands that take time and do nothing.
final class SimulatedTime implements HostClock, Timekeeper {
    private static final int FLOPS_PER_LANE = 2; // as the emulated driver counts

    private final GpuProfile gpu;
    private final GpuCosts costs;
    private final Scheduler scheduler = new Scheduler(Order.ISSUE, 0, false);
    private final StreamGroup group = scheduler.addGroup(0, new NoFaults());
    private final CommandStream kernels = scheduler.addStream(group, false);
    private final List<Engine> compute = List.of(new Engine(0, EngineKind.COMPUTE));
    private final List<Engine> toDevice = List.of(new Engine(0, EngineKind.TO_DEVICE));
    private final List<Engine> toHost = List.of(new Engine(0, EngineKind.TO_HOST));
    private long launches;

    /// What does nothing cannot go wrong.
    private static final class NoFaults implements StreamGroup.Faults {
        @Override
        public void fault(String command, DeviceFault fault) {
            throw fault;
        }

        @Override
        public boolean any() {
            return false;
        }
    }

    SimulatedTime(GpuProfile gpu, GpuCosts costs) {
        this.gpu = gpu;
        this.costs = costs;
    }

    /// Charges the host for a call of the driver.
    void call() {
        scheduler.advanceHost(costs.latencies().callNanos());
    }

    /// Charges a launch.
    ///
    /// @param bytes of the GPU's memory that it touches
    /// @param lanes threads times instructions
    void launch(String kernel, double bytes, double lanes) {
        launches++;
        scheduler.advanceHost(costs.latencies().callNanos() + costs.latencies().launchNanos());
        double nanos = costs.kernelNanos(gpu, bytes, FLOPS_PER_LANE * lanes);
        scheduler.issue(kernels, Command.work(kernel, compute, () -> nanos));
    }

    /// Charges a copy to the GPU in the order of kernels: what a launch is told.
    void send(long bytes) {
        copy(kernels, toDevice, "to device", bytes);
    }

    /// Charges a copy to the host and the wait for it.
    void fetch(long bytes) {
        copy(kernels, toHost, "to host", bytes);
        synchronize(kernels);
    }

    /// Charges a copy of an expert.
    void load(CommandStream stream, long bytes) {
        copy(stream, toDevice, "to device", bytes);
    }

    private void copy(CommandStream stream, List<Engine> engine, String label, long bytes) {
        call();
        double nanos = costs.copyNanos(gpu, bytes, true);
        scheduler.issue(stream, Command.work(label + ", " + bytes + " bytes", engine, () -> nanos));
    }

    CommandStream newStream() {
        return scheduler.addStream(group, false);
    }

    void retire(CommandStream stream) {
        scheduler.retire(stream);
    }

    /// Charges a wait of the host for a stream.
    void synchronize(CommandStream stream) {
        call();
        scheduler.synchronize(stream);
    }

    /// Charges a wait of the host for all kernels.
    void synchronize() {
        synchronize(kernels);
    }

    /// Charges a wait of the host for an event, of which the context is made current first.
    void synchronize(EventRecord event) {
        call();
        call();
        scheduler.synchronize(event);
    }

    /// Charges an event behind all kernels.
    EventRecord mark() {
        call();
        EventRecord event = new EventRecord();
        scheduler.issue(kernels, Command.record(event));
        return event;
    }

    /// Makes a stream wait for an event.
    void await(CommandStream stream, EventRecord event) {
        call();
        scheduler.issue(stream, Command.await(event));
    }

    long launches() {
        return launches;
    }

    @Override
    public double nanos() {
        return scheduler.hostNanos();
    }

    @Override
    public void set(double nanos) {
        scheduler.setHost(nanos);
    }

    @Override
    public double processorNanos(long bytes, int rows) {
        return costs.processor().nanos(bytes, rows);
    }

    @Override
    public void attend(HostErrands errands) {
        scheduler.attend(errands::nextNanos, errands::runUntil);
    }

    @Override
    public double virtualNanos() {
        return scheduler.hostNanos();
    }

    @Override
    public void keepTimeline(boolean keeps) {
        scheduler.keepTimeline(keeps);
    }

    @Override
    public List<TimelineEntry> takeTimeline() {
        return scheduler.takeTimeline();
    }
}
