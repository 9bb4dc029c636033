package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.DRIVER;

import io.moetier.emulator.driver.clock.ComputeCapability;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/// Which devices there are, and what they can do.
final class DeviceFunctions {
    private static final int UUID_BYTES = 16;
    private static final int PCI_BUS_OF_FIRST = 1;

    private DeviceFunctions() {}

    static void addTo(FunctionTable table) {
        table.add(
                "cuDeviceGetCount",
                1,
                DRIVER,
                (machine, call) -> call.answer(0, machine.devices().size()));
        table.add(
                "cuDeviceGet",
                2,
                DRIVER,
                (machine, call) -> call.answer(0, machine.device(call.number(1)).ordinal()));
        table.add("cuDeviceGetName", 3, DRIVER, DeviceFunctions::name);
        table.add("cuDeviceTotalMem_v2", 2, DRIVER, DeviceFunctions::totalMemory);
        table.add("cuDeviceComputeCapability", 3, DRIVER, DeviceFunctions::capability);
        table.add("cuDeviceGetAttribute", 3, DRIVER, DeviceFunctions::attribute);
        table.add("cuDeviceGetUuid", 2, DRIVER, DeviceFunctions::uuid);
        table.add("cuDeviceGetUuid_v2", 2, DRIVER, DeviceFunctions::uuid);
        table.add("cuDeviceGetPCIBusId", 3, DRIVER, DeviceFunctions::pciBusId);
        table.add("cuDeviceCanAccessPeer", 3, DRIVER, DeviceFunctions::canAccessPeer);
    }

    private static void name(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(2));
        Call.writeText(call.memory(0, call.number(1)), device.profile().name() + " (emulated)");
    }

    private static void totalMemory(Machine machine, Call call) {
        call.answer(0, machine.device(call.number(1)).memory().capacityBytes());
    }

    private static void capability(Machine machine, Call call) {
        ComputeCapability capability = machine.device(call.number(2)).profile().capability();
        call.answer(0, capability.major());
        call.answer(1, capability.minor());
    }

    private static void uuid(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(1));
        byte[] text = "moetier-emulated".getBytes(StandardCharsets.US_ASCII);
        text[UUID_BYTES - 1] = (byte) device.ordinal();
        MemorySegment.copy(text, 0, call.memory(0, UUID_BYTES), ValueLayout.JAVA_BYTE, 0, UUID_BYTES);
    }

    private static void pciBusId(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(2));
        String id = String.format("0000:%02x:00.0", PCI_BUS_OF_FIRST + device.ordinal());
        Call.writeText(call.memory(0, call.number(1)), id);
    }

    /// Consumer cards of these generations cannot: copies between them pass through the host.
    private static void canAccessPeer(Machine machine, Call call) {
        machine.device(call.number(1));
        machine.device(call.number(2));
        call.answer(0, 0);
    }

    /// The numbers are those of `CUdevice_attribute` in cuda.h.
    private static void attribute(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(2));
        ComputeCapability capability = device.profile().capability();
        int attribute = call.number(1);
        call.answer(
                0,
                switch (attribute) {
                    case 1, 2, 3 -> 1024; // threads of a block, in x, in y
                    case 4 -> 64; // in z
                    case 5, 11 -> Integer.MAX_VALUE; // blocks of a grid in x, pitch
                    case 6, 7 -> 65_535; // in y, in z
                    case 8 -> ComputeCapability.SHARED_BYTES_PER_BLOCK;
                    case 9, 12, 82 -> 65_536; // constant memory, registers of a block, of a multiprocessor
                    case 10 -> 32; // threads of a warp
                    case 14, 51 -> 512; // alignment of textures, of their pitch
                    case 16 -> device.profile().multiprocessors();
                    case 15, 19, 31, 41, 78, 99, 115 -> 1; // overlap, mapping, concurrent kernels, one address space,
                    // priorities, registration, pools
                    case 33 -> PCI_BUS_OF_FIRST + device.ordinal();
                    case 38 -> (int) device.profile().l2Bytes();
                    case 39 -> capability.threadsPerMultiprocessor();
                    case 40 -> 2; // engines that copy
                    case 75 -> capability.major();
                    case 76 -> capability.minor();
                    case 81 -> capability.sharedBytesPerMultiprocessor();
                    case 97 -> capability.maxSharedBytesPerBlock();
                    case 106 -> capability.blocksPerMultiprocessor();
                    case 111 -> capability.major() >= 8 ? 1024 : 0; // shared memory that the system keeps of a block
                    default -> otherAttribute(attribute);
                });
    }

    /// What is not emulated is absent, which for nearly all attributes is a 0.
    private static int otherAttribute(int attribute) {
        int last = 135; // of CUDA 12.5
        if (attribute < 1 || attribute > last) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "attribute " + attribute);
        }
        return 0;
    }
}
