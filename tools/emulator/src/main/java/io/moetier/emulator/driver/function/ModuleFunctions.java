package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.DriverKernel;
import io.moetier.emulator.driver.machine.DriverModule;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.ptx.module.PtxKernel;
import io.moetier.emulator.ptx.module.PtxModule;
import io.moetier.emulator.ptx.module.PtxVariable;
import io.moetier.emulator.ptx.module.PtxVersion;
import io.moetier.emulator.ptx.run.LoadedModule;
import io.moetier.emulator.ptx.text.PtxException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/// Modules: PTX in, kernels and variables out.
final class ModuleFunctions {
    private static final int JIT_ERROR_LOG_BUFFER = 5;
    private static final int JIT_ERROR_LOG_BUFFER_BYTES = 6;

    private ModuleFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuModuleLoadData", 2, CONTEXT, (machine, call) -> load(machine, call, call.text(1)));
        table.add("cuModuleLoadDataEx", 5, CONTEXT, ModuleFunctions::loadWithLog);
        table.add("cuModuleLoad", 2, CONTEXT, ModuleFunctions::loadFile);
        table.add("cuModuleUnload", 1, CONTEXT, ModuleFunctions::unload);
        table.add("cuModuleGetFunction", 3, CONTEXT, ModuleFunctions::kernel);
        table.add("cuModuleGetGlobal_v2", 4, CONTEXT, ModuleFunctions::variable);
    }

    private static void load(Machine machine, Call call, String ptx) {
        EmulatedContext context = machine.context();
        PtxModule module;
        try {
            module = machine.computeCache().parse(ptx);
        } catch (PtxException e) {
            throw DriverError.of(CudaStatus.INVALID_PTX, String.valueOf(e.getMessage()));
        }
        checkFitness(module, machine.options().driverVersion(), context.device());
        LoadedModule loaded = new LoadedModule(module, context.device().memory());
        call.answer(0, machine.handles().add(new DriverModule(context, loaded)));
    }

    private static void checkFitness(PtxModule module, int driverVersion, EmulatedDevice device) {
        PtxVersion newest = PtxSupport.newest(driverVersion);
        if (module.version().compareTo(newest) > 0) {
            throw DriverError.of(
                    CudaStatus.UNSUPPORTED_PTX_VERSION,
                    "PTX " + module.version() + ", where the driver's version " + driverVersion + " knows " + newest);
        }
        int capability = device.profile().capability().number();
        if (module.target() > capability) {
            throw DriverError.of(
                    CudaStatus.NO_BINARY_FOR_GPU,
                    "PTX for sm_" + module.target() + ", where the device is an sm_" + capability);
        }
    }

    /// Writes the reason of a failure to the log that the options name, if they do.
    private static void loadWithLog(Machine machine, Call call) {
        try {
            load(machine, call, call.text(1));
        } catch (DriverError e) {
            int count = call.number(2);
            if (e.reason() != null && count > 0) {
                log(call.memory(3, 4L * count), call.memory(4, 8L * count), count, e.reason());
            }
            throw e;
        }
    }

    private static void log(MemorySegment options, MemorySegment values, int count, String reason) {
        long buffer = 0;
        long bufferBytes = 0;
        for (int i = 0; i < count; i++) {
            long value = values.get(JAVA_LONG_UNALIGNED, 8L * i);
            switch (options.get(JAVA_INT_UNALIGNED, 4L * i)) {
                case JIT_ERROR_LOG_BUFFER -> buffer = value;
                case JIT_ERROR_LOG_BUFFER_BYTES -> bufferBytes = value & 0xffff_ffffL;
                default -> {} // of no concern to an interpreter
            }
        }
        if (buffer != 0) {
            Call.writeText(Call.memoryAt(buffer, bufferBytes), reason);
        }
    }

    private static void loadFile(Machine machine, Call call) {
        Path file = Path.of(call.text(1));
        String ptx;
        try {
            ptx = Files.readString(file);
        } catch (IOException e) {
            throw DriverError.of(CudaStatus.FILE_NOT_FOUND, e.toString());
        }
        load(machine, call, ptx);
    }

    private static void unload(Machine machine, Call call) {
        DriverModule module = machine.handles().get(DriverModule.class, call.word(0));
        machine.synchronize(machine.context());
        module.discard();
        machine.handles().removeKernelsOf(module);
        machine.handles().remove(call.word(0));
    }

    private static void kernel(Machine machine, Call call) {
        DriverModule module = machine.handles().get(DriverModule.class, call.word(1));
        String name = call.text(2);
        PtxKernel kernel = module.module()
                .module()
                .kernel(name)
                .orElseThrow(() -> DriverError.of(CudaStatus.NOT_FOUND, "the module has no kernel " + name));
        long handle =
                module.kernels().computeIfAbsent(name, _ -> machine.handles().add(new DriverKernel(module, kernel)));
        call.answer(0, handle);
    }

    private static void variable(Machine machine, Call call) {
        DriverModule module = machine.handles().get(DriverModule.class, call.word(2));
        String name = call.text(3);
        PtxVariable variable = module.module().module().variables().stream()
                .filter(candidate -> candidate.name().equals(name))
                .findFirst()
                .orElseThrow(() -> DriverError.of(CudaStatus.NOT_FOUND, "the module has no variable " + name));
        call.answerIfWanted(0, module.module().addressOf(name).orElseThrow());
        call.answerIfWanted(1, variable.bytes());
    }
}
