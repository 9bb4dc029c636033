package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.machine.PinnedMemory;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.memory.Allocation;
import java.util.List;

/// Device memory: allocated, freed, asked about.
final class MemoryFunctions {
    private static final int POINTER_CONTEXT = 1;
    private static final int POINTER_MEMORY_TYPE = 2;
    private static final int POINTER_DEVICE = 3;
    private static final int POINTER_HOST = 4;
    private static final int POINTER_ORDINAL = 9;
    private static final int POINTER_RANGE_START = 11;
    private static final int POINTER_RANGE_SIZE = 12;
    private static final int TYPE_HOST = 1;
    private static final int TYPE_DEVICE = 2;

    private MemoryFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuMemGetInfo_v2", 2, CONTEXT, MemoryFunctions::info);
        table.add("cuMemAlloc_v2", 2, CONTEXT, MemoryFunctions::allocate);
        table.add("cuMemAllocAsync", 3, CONTEXT, MemoryFunctions::allocateInOrder);
        table.add("cuMemFree_v2", 1, CONTEXT, MemoryFunctions::free);
        table.add("cuMemFreeAsync", 2, CONTEXT, MemoryFunctions::freeInOrder);
        table.add("cuMemGetAddressRange_v2", 3, CONTEXT, MemoryFunctions::range);
        table.add("cuPointerGetAttribute", 3, CONTEXT, MemoryFunctions::attribute);
    }

    private static void info(Machine machine, Call call) {
        EmulatedDevice device = machine.context().device();
        call.answer(0, device.memory().freeBytes());
        call.answer(1, device.memory().capacityBytes());
    }

    private static void allocate(Machine machine, Call call) {
        EmulatedContext context = machine.context();
        long address = context.device().memory().allocate(call.word(1));
        context.device().allocations().put(address, context);
        call.answer(0, address);
    }

    /// The address is known at once; that nobody uses it before the stream gets there is not checked.
    private static void allocateInOrder(Machine machine, Call call) {
        machine.stream(call.word(2));
        allocate(machine, call);
    }

    /// As drivers do, waits for everything that might still use the memory.
    private static void free(Machine machine, Call call) {
        if (call.isNull(0)) {
            return;
        }
        EmulatedDevice device = owner(machine, call.word(0));
        machine.synchronize(machine.context());
        device.allocations().remove(call.word(0));
        device.memory().free(call.word(0));
    }

    private static void freeInOrder(Machine machine, Call call) {
        long address = call.word(0);
        CommandStream stream = machine.stream(call.word(1));
        EmulatedDevice device = owner(machine, address);
        device.allocations().remove(address);
        machine.issue(stream, Command.work("free", List.of(), () -> {
            device.memory().free(address);
            return 0;
        }));
    }

    /// Returns the device on which an allocation starts.
    private static EmulatedDevice owner(Machine machine, long address) {
        for (EmulatedDevice device : machine.devices()) {
            if (device.allocations().containsKey(address)) {
                return device;
            }
        }
        throw DriverError.of(
                CudaStatus.INVALID_VALUE,
                "freed, but no allocation starts here: "
                        + machine.context().device().memory().describe(address, 1));
    }

    private static void range(Machine machine, Call call) {
        Allocation allocation = find(machine, call.word(2));
        call.answerIfWanted(0, allocation.address());
        call.answerIfWanted(1, allocation.bytes());
    }

    private static Allocation find(Machine machine, long address) {
        EmulatedDevice device = machine.findDeviceOf(address);
        if (device == null) {
            throw DriverError.of(CudaStatus.NOT_FOUND, "no device memory at 0x" + Long.toHexString(address));
        }
        return device.memory().range(address, 1);
    }

    private static void attribute(Machine machine, Call call) {
        long address = call.word(2);
        EmulatedDevice device = machine.findDeviceOf(address);
        PinnedMemory.Block block = machine.pinned().find(address);
        if (device != null) {
            ofDevice(machine, call, device, device.memory().range(address, 1));
        } else if (block != null) {
            ofHost(call, block);
        } else {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "an address that the driver does not know");
        }
    }

    private static void ofDevice(Machine machine, Call call, EmulatedDevice device, Allocation allocation) {
        EmulatedContext owner = device.allocations().getOrDefault(allocation.address(), machine.context());
        switch (call.number(1)) {
            case POINTER_CONTEXT -> call.answer(0, machine.handles().of(owner));
            case POINTER_MEMORY_TYPE -> call.answer(0, TYPE_DEVICE);
            case POINTER_DEVICE -> call.answer(0, call.word(2));
            case POINTER_ORDINAL -> call.answer(0, device.ordinal());
            case POINTER_RANGE_START -> call.answer(0, allocation.address());
            case POINTER_RANGE_SIZE -> call.answer(0, allocation.bytes());
            default -> throw DriverError.of(CudaStatus.INVALID_VALUE, "attribute " + call.number(1));
        }
    }

    private static void ofHost(Call call, PinnedMemory.Block block) {
        switch (call.number(1)) {
            case POINTER_MEMORY_TYPE -> call.answer(0, TYPE_HOST);
            case POINTER_HOST -> call.answer(0, call.word(2));
            case POINTER_RANGE_START -> call.answer(0, block.memory().address());
            case POINTER_RANGE_SIZE -> call.answer(0, block.memory().byteSize());
            default -> throw DriverError.of(CudaStatus.INVALID_VALUE, "attribute " + call.number(1));
        }
    }
}
