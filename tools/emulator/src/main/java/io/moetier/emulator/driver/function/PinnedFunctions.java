package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.machine.PinnedMemory;

/// Pinned host memory.
final class PinnedFunctions {
    private PinnedFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuMemAllocHost_v2", 2, CONTEXT, (machine, call) -> allocate(machine, call, 0));
        table.add("cuMemHostAlloc", 3, CONTEXT, (machine, call) -> allocate(machine, call, call.number(2)));
        table.add("cuMemFreeHost", 1, CONTEXT, (machine, call) -> end(machine, call, false, CudaStatus.INVALID_VALUE));
        table.add("cuMemHostRegister_v2", 3, CONTEXT, PinnedFunctions::register);
        table.add(
                "cuMemHostUnregister",
                1,
                CONTEXT,
                (machine, call) -> end(machine, call, true, CudaStatus.HOST_MEMORY_NOT_REGISTERED));
        table.add("cuMemHostGetDevicePointer_v2", 3, CONTEXT, PinnedFunctions::devicePointer);
        table.add(
                "cuMemHostGetFlags",
                2,
                CONTEXT,
                (machine, call) -> call.answer(0, block(machine, call.word(1)).flags()));
    }

    private static void allocate(Machine machine, Call call, int flags) {
        PinnedMemory.Block block = machine.pinned()
                .allocate(
                        call.word(1),
                        flags,
                        machine.context(),
                        machine.options().fresh());
        call.answer(0, block.memory().address());
    }

    private static void register(Machine machine, Call call) {
        if (call.word(1) <= 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "registration of " + call.word(1) + " bytes");
        }
        machine.pinned().register(call.memory(0, call.word(1)), call.number(2), machine.context());
    }

    /// Waits first: a copy may still be on its way.
    private static void end(Machine machine, Call call, boolean registered, CudaStatus missing) {
        if (call.isNull(0) && !registered) {
            return;
        }
        PinnedMemory.Block block = machine.pinned().find(call.word(0));
        machine.synchronize(machine.context());
        machine.pinned().remove(call.word(0), registered, missing);
        if (block != null) {
            block.mapped()
                    .forEach((ordinal, address) ->
                            machine.device(ordinal).memory().free(address));
        }
    }

    private static void devicePointer(Machine machine, Call call) {
        PinnedMemory.Block block = block(machine, call.word(1));
        EmulatedDevice device = machine.context().device();
        long start = block.mapped()
                .computeIfAbsent(device.ordinal(), _ -> device.memory().map(block.memory()));
        call.answer(0, start + call.word(1) - block.memory().address());
    }

    private static PinnedMemory.Block block(Machine machine, long address) {
        PinnedMemory.Block block = machine.pinned().find(address);
        if (block == null) {
            throw DriverError.of(
                    CudaStatus.INVALID_VALUE, "0x" + Long.toHexString(address) + " is not in pinned memory");
        }
        return block;
    }
}
