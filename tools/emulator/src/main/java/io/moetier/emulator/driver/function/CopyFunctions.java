package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;

import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.Engine;
import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Copies and fills.
///
/// An asynchronous copy of pinned memory reads or writes it when its turn comes. One of pageable memory
/// takes the bytes at the call, or writes them before the call returns, as drivers do by way of a buffer of
/// their own.
final class CopyFunctions {
    private CopyFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuMemcpyHtoD_v2", 3, CONTEXT, (machine, call) -> toDevice(machine, call, 0, false));
        table.add("cuMemcpyHtoDAsync_v2", 4, CONTEXT, (machine, call) -> toDevice(machine, call, call.word(3), true));
        table.add("cuMemcpyDtoH_v2", 3, CONTEXT, (machine, call) -> toHost(machine, call, 0, false));
        table.add("cuMemcpyDtoHAsync_v2", 4, CONTEXT, (machine, call) -> toHost(machine, call, call.word(3), true));
        table.add("cuMemcpyDtoD_v2", 3, CONTEXT, (machine, call) -> onDevice(machine, call, 0));
        table.add("cuMemcpyDtoDAsync_v2", 4, CONTEXT, (machine, call) -> onDevice(machine, call, call.word(3)));
        table.add("cuMemcpyPeer", 5, CONTEXT, (machine, call) -> peer(machine, call, 0, false));
        table.add("cuMemcpyPeerAsync", 6, CONTEXT, (machine, call) -> peer(machine, call, call.word(5), true));
        for (int unit : new int[] {1, 2, 4}) {
            String name = "cuMemsetD" + 8 * unit;
            table.add(name + "_v2", 3, CONTEXT, (machine, call) -> fill(machine, call, unit, 0));
            table.add(name + "Async", 4, CONTEXT, (machine, call) -> fill(machine, call, unit, call.word(3)));
        }
    }

    private static void toDevice(Machine machine, Call call, long streamHandle, boolean async) {
        long to = call.word(0);
        long bytes = call.word(2);
        CommandStream stream = machine.stream(streamHandle);
        if (bytes == 0) {
            return;
        }
        MemorySegment from = call.memory(1, bytes);
        EmulatedDevice device = machine.deviceOf(to, bytes);
        boolean pinned = machine.pinned().isPinned(call.word(1), bytes);
        if (async && !pinned) {
            stagedToDevice(machine, device, to, from, stream);
            return;
        }
        double nanos = machine.costs().copyNanos(device.profile(), bytes, pinned);
        machine.issue(stream, Command.work(label("to device", bytes), device.engines(EngineKind.TO_DEVICE), () -> {
            device.memory().write(to, from);
            return nanos;
        }));
        if (!async) {
            machine.synchronize(stream);
        }
    }

    /// The host fills the driver's own buffer itself.
    private static void stagedToDevice(
            Machine machine, EmulatedDevice device, long to, MemorySegment from, CommandStream stream) {
        long bytes = from.byteSize();
        MemorySegment staged = AnonymousMemory.allocate(bytes, Arena.ofAuto()).copyFrom(from);
        machine.scheduler().advanceHost(machine.costs().linkNanos(device.profile(), bytes, false));
        double nanos = machine.costs().copyNanos(device.profile(), bytes, false);
        machine.issue(stream, Command.work(label("to device", bytes), device.engines(EngineKind.TO_DEVICE), () -> {
            device.memory().write(to, staged);
            return nanos;
        }));
    }

    private static void toHost(Machine machine, Call call, long streamHandle, boolean async) {
        long from = call.word(1);
        long bytes = call.word(2);
        CommandStream stream = machine.stream(streamHandle);
        if (bytes == 0) {
            return;
        }
        MemorySegment to = call.memory(0, bytes);
        EmulatedDevice device = machine.deviceOf(from, bytes);
        boolean pinned = machine.pinned().isPinned(call.word(0), bytes);
        double nanos = machine.costs().copyNanos(device.profile(), bytes, pinned);
        machine.issue(stream, Command.work(label("to host", bytes), device.engines(EngineKind.TO_HOST), () -> {
            device.memory().read(from, to);
            return nanos;
        }));
        if (!async || !pinned) {
            machine.synchronize(stream);
        }
    }

    private static void onDevice(Machine machine, Call call, long streamHandle) {
        copy(machine, call.word(1), call.word(0), call.word(2), machine.stream(streamHandle));
    }

    private static void peer(Machine machine, Call call, long streamHandle, boolean async) {
        CommandStream stream = machine.stream(streamHandle);
        checkPlace(machine, call.word(0), call.word(1), call.word(4));
        checkPlace(machine, call.word(2), call.word(3), call.word(4));
        copy(machine, call.word(2), call.word(0), call.word(4), stream);
        if (!async) {
            machine.synchronize(stream);
        }
    }

    private static void checkPlace(Machine machine, long address, long context, long bytes) {
        EmulatedContext named = machine.handles().find(EmulatedContext.class, context);
        if (named == null) {
            throw DriverError.of(CudaStatus.INVALID_CONTEXT);
        }
        if (bytes > 0 && machine.deviceOf(address, bytes) != named.device()) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "memory of another device than its context is of");
        }
    }

    private static void copy(Machine machine, long from, long to, long bytes, CommandStream stream) {
        if (bytes == 0) {
            return;
        }
        EmulatedDevice source = machine.deviceOf(from, bytes);
        EmulatedDevice target = machine.deviceOf(to, bytes);
        machine.issue(
                stream,
                source == target
                        ? within(source, from, to, bytes, machine.costs())
                        : between(source, target, from, to, bytes, machine.costs()));
    }

    private static Command within(EmulatedDevice device, long from, long to, long bytes, GpuCosts costs) {
        double nanos = costs.kernelNanos(device.profile(), 2.0 * bytes, 0); // read and written
        return Command.work(label("on device", bytes), device.engines(EngineKind.COMPUTE), () -> {
            device.memory().copy(from, to, bytes);
            return nanos;
        });
    }

    private static Command between(
            EmulatedDevice source, EmulatedDevice target, long from, long to, long bytes, GpuCosts costs) {
        double nanos = costs.peerNanos(source.profile(), target.profile(), bytes);
        List<Engine> engines = List.of(source.engine(EngineKind.TO_HOST), target.engine(EngineKind.TO_DEVICE));
        return Command.work(label("to device " + target.ordinal(), bytes), engines, () -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment passing = AnonymousMemory.allocate(bytes, arena);
                source.memory().read(from, passing);
                target.memory().write(to, passing);
            }
            return nanos;
        });
    }

    private static void fill(Machine machine, Call call, int unitBytes, long streamHandle) {
        long to = call.word(0);
        int value = call.number(1);
        long count = call.word(2);
        CommandStream stream = machine.stream(streamHandle);
        if (count == 0) {
            return;
        }
        if (to % unitBytes != 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "an address that is no multiple of " + unitBytes);
        }
        EmulatedDevice device = machine.deviceOf(to, Math.multiplyExact(count, unitBytes));
        double nanos = machine.costs().kernelNanos(device.profile(), (double) count * unitBytes, 0);
        machine.issue(stream, Command.work(label("fill", count * unitBytes), device.engines(EngineKind.COMPUTE), () -> {
            device.memory().fill(to, value, unitBytes, count);
            return nanos;
        }));
    }

    private static String label(String what, long bytes) {
        return what + ", " + bytes + " bytes";
    }
}
