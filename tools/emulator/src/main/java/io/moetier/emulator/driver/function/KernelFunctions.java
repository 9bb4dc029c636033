package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.moetier.emulator.driver.clock.ComputeCapability;
import io.moetier.emulator.driver.clock.EngineKind;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.DriverKernel;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.module.PtxKernel;
import io.moetier.emulator.ptx.module.PtxVersion;
import io.moetier.emulator.ptx.run.Extent;
import io.moetier.emulator.ptx.run.Launch;
import java.lang.foreign.MemorySegment;

/// Kernels: launched, asked about, tuned.
final class KernelFunctions {
    private static final int MOST_THREADS = 1024;
    private static final int MOST_THREADS_Z = 64;
    private static final int MOST_BLOCKS_YZ = 65_535;
    private static final int PARAMETERS_POINTER = 1;
    private static final int PARAMETERS_SIZE = 2;

    private KernelFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuLaunchKernel", 11, CONTEXT, KernelFunctions::launch);
        table.add("cuFuncGetAttribute", 3, CONTEXT, KernelFunctions::attribute);
        table.add("cuFuncSetAttribute", 3, CONTEXT, KernelFunctions::setAttribute);
        table.add("cuFuncSetCacheConfig", 2, CONTEXT, (machine, call) -> kernel(machine, call.word(0)));
        table.add(
                "cuOccupancyMaxActiveBlocksPerMultiprocessor",
                4,
                CONTEXT,
                (machine, call) -> call.answer(0, occupancy(machine, call)));
        table.add(
                "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags",
                5,
                CONTEXT,
                (machine, call) -> call.answer(0, occupancy(machine, call)));
    }

    private static DriverKernel kernel(Machine machine, long handle) {
        return machine.handles().get(DriverKernel.class, handle);
    }

    private static void launch(Machine machine, Call call) {
        DriverKernel kernel = kernel(machine, call.word(0));
        CommandStream stream = machine.stream(call.word(8));
        EmulatedContext context = kernel.module().context();
        if (stream.group() != context.streams()) {
            throw DriverError.of(CudaStatus.INVALID_HANDLE, "kernel and stream belong to different contexts");
        }
        Launch launch =
                new Launch(grid(call), block(call, kernel), sharedBytes(call, kernel), parameters(call, kernel));
        machine.scheduler().advanceHost(machine.costs().latencies().launchNanos());
        EmulatedDevice device = context.device();
        machine.issue(
                stream,
                Command.work(
                        kernel.kernel().name(),
                        device.engines(EngineKind.COMPUTE),
                        () -> run(machine, kernel, launch, device)));
    }

    private static double run(Machine machine, DriverKernel kernel, Launch launch, EmulatedDevice device) {
        return machine.kernelCosts()
                .nanos(
                        kernel.kernel(),
                        launch,
                        machine.costs(),
                        device.profile(),
                        counted -> kernel.module()
                                .module()
                                .launch(kernel.kernel(), launch, machine.launchOptions(counted)));
    }

    private static Extent grid(Call call) {
        check(call.number(1), Integer.MAX_VALUE, "blocks in x");
        check(call.number(2), MOST_BLOCKS_YZ, "blocks in y");
        check(call.number(3), MOST_BLOCKS_YZ, "blocks in z");
        return new Extent(call.number(1), call.number(2), call.number(3));
    }

    private static Extent block(Call call, DriverKernel kernel) {
        check(call.number(4), MOST_THREADS, "threads in x");
        check(call.number(5), MOST_THREADS, "threads in y");
        check(call.number(6), MOST_THREADS_Z, "threads in z");
        Extent block = new Extent(call.number(4), call.number(5), call.number(6));
        if (block.count() > MOST_THREADS) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, block.count() + " threads in a block");
        }
        if (block.count() > kernel.kernel().maxThreads()) {
            throw DriverError.of(
                    CudaStatus.LAUNCH_OUT_OF_RESOURCES,
                    block.count() + " threads in a block of " + kernel.kernel().name() + ", which was compiled for "
                            + kernel.kernel().maxThreads());
        }
        return block;
    }

    private static void check(int value, int most, String what) {
        if (value < 1 || value > most) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, Integer.toUnsignedString(value) + " " + what);
        }
    }

    private static int sharedBytes(Call call, DriverKernel kernel) {
        int bytes = call.number(7);
        if (bytes < 0 || bytes > kernel.dynamicSharedBytes()) {
            throw DriverError.of(
                    CudaStatus.INVALID_VALUE,
                    Integer.toUnsignedString(bytes) + " bytes of dynamic shared memory, where "
                            + kernel.kernel().name() + " may have " + kernel.dynamicSharedBytes());
        }
        return bytes;
    }

    /// Copies the parameters, which are the caller's again when the launch returns.
    private static MemorySegment parameters(Call call, DriverKernel kernel) {
        PtxKernel ptx = kernel.kernel();
        MemorySegment copy = MemorySegment.ofArray(new byte[ptx.parameterBytes()]);
        if (!call.isNull(9)) {
            MemorySegment pointers = call.memory(9, 8L * ptx.parameters().size());
            for (int i = 0; i < ptx.parameters().size(); i++) {
                PtxParameter parameter = ptx.parameters().get(i);
                long from = pointers.get(JAVA_LONG_UNALIGNED, 8L * i);
                if (from == 0) {
                    throw DriverError.of(CudaStatus.INVALID_VALUE, "no value for " + parameter.name());
                }
                MemorySegment.copy(
                        Call.memoryAt(from, parameter.bytes()), 0, copy, parameter.offset(), parameter.bytes());
            }
        } else if (!call.isNull(10)) {
            copy.copyFrom(buffer(call.word(10), ptx.parameterBytes()));
        } else if (!ptx.parameters().isEmpty()) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, ptx.name() + " has parameters, the launch has none");
        }
        return copy;
    }

    /// Returns the buffer that a list of options and values names, which ends with a zero.
    private static MemorySegment buffer(long list, int wantedBytes) {
        long address = 0;
        long bytes = 0;
        for (long at = list; word(at) != 0; at += 2 * Long.BYTES) {
            long value = word(at + Long.BYTES);
            if (word(at) == PARAMETERS_POINTER) {
                address = value;
            } else if (word(at) == PARAMETERS_SIZE) {
                bytes = word(value);
            }
        }
        if (address == 0 || bytes < wantedBytes) {
            throw DriverError.of(
                    CudaStatus.INVALID_VALUE, bytes + " bytes of parameters, where " + wantedBytes + " are needed");
        }
        return Call.memoryAt(address, wantedBytes);
    }

    private static long word(long address) {
        return Call.memoryAt(address, Long.BYTES).get(JAVA_LONG_UNALIGNED, 0);
    }

    /// The numbers are those of `CUfunction_attribute` in cuda.h.
    private static void attribute(Machine machine, Call call) {
        DriverKernel kernel = kernel(machine, call.word(2));
        PtxKernel ptx = kernel.kernel();
        call.answer(
                0,
                switch (call.number(1)) {
                    case 0 -> ptx.maxThreads();
                    case 1 -> ptx.sharedBytes();
                    case 3 -> ptx.localBytes();
                    case 4 -> Math.min(255, ptx.registers());
                    case 5 -> 10 * version(kernel).major() + version(kernel).minor();
                    case 6 ->
                        kernel.module()
                                .context()
                                .device()
                                .profile()
                                .capability()
                                .number();
                    case 8 -> kernel.dynamicSharedBytes();
                    case 2, 7, 9, 10, 11, 12, 13, 14, 15 -> 0;
                    default -> throw DriverError.of(CudaStatus.INVALID_VALUE, "attribute " + call.number(1));
                });
    }

    private static PtxVersion version(DriverKernel kernel) {
        return kernel.module().module().module().version();
    }

    private static void setAttribute(Machine machine, Call call) {
        DriverKernel kernel = kernel(machine, call.word(0));
        int value = call.number(2);
        switch (call.number(1)) {
            case 8 -> allowSharedBytes(kernel, value);
            case 9 -> {} // a hint
            default -> throw DriverError.of(CudaStatus.INVALID_VALUE, "attribute " + call.number(1));
        }
    }

    private static void allowSharedBytes(DriverKernel kernel, int bytes) {
        int most = kernel.module().context().device().profile().capability().maxSharedBytesPerBlock()
                - kernel.kernel().sharedBytes();
        if (bytes < 0 || bytes > most) {
            throw DriverError.of(
                    CudaStatus.INVALID_VALUE, bytes + " bytes of dynamic shared memory, where the device has " + most);
        }
        kernel.allowDynamicSharedBytes(bytes);
    }

    /// What threads, shared memory and the number of blocks allow; how many registers a compiler would use
    /// is unknown.
    private static int occupancy(Machine machine, Call call) {
        DriverKernel kernel = kernel(machine, call.word(1));
        ComputeCapability capability =
                kernel.module().context().device().profile().capability();
        check(call.number(2), MOST_THREADS, "threads in a block");
        int blocks =
                Math.min(capability.blocksPerMultiprocessor(), capability.threadsPerMultiprocessor() / call.number(2));
        long shared = kernel.kernel().sharedBytes() + call.word(3);
        long reserved = capability.major() >= 8 ? 1024 : 0;
        return shared + reserved == 0
                ? blocks
                : (int) Math.min(blocks, capability.sharedBytesPerMultiprocessor() / (shared + reserved));
    }
}
