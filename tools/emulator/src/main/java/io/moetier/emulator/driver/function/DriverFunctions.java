package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.NONE;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.Machine;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Function;

/// The start of the driver, its version, and the names of its errors.
final class DriverFunctions {
    private static final Map<CudaStatus, MemorySegment> SYMBOLS = texts(CudaStatus::symbol);
    private static final Map<CudaStatus, MemorySegment> DESCRIPTIONS = texts(CudaStatus::description);

    private DriverFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuInit", 1, NONE, DriverFunctions::initialise);
        table.add(
                "cuDriverGetVersion",
                1,
                NONE,
                (machine, call) -> call.answer(0, machine.options().driverVersion()));
        table.add("cuGetErrorName", 2, NONE, (_, call) -> describe(call, SYMBOLS));
        table.add("cuGetErrorString", 2, NONE, (_, call) -> describe(call, DESCRIPTIONS));
    }

    private static void initialise(Machine machine, Call call) {
        if (call.number(0) != 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "flags must be 0");
        }
        machine.initialise();
    }

    private static void describe(Call call, Map<CudaStatus, MemorySegment> texts) {
        MemorySegment text = CudaStatus.of(call.number(0)).map(texts::get).orElse(MemorySegment.NULL);
        call.answer(1, text);
        if (text.equals(MemorySegment.NULL)) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, call.number(0) + " is no error");
        }
    }

    private static Map<CudaStatus, MemorySegment> texts(Function<CudaStatus, String> text) {
        Map<CudaStatus, MemorySegment> texts = new EnumMap<>(CudaStatus.class);
        for (CudaStatus status : CudaStatus.values()) {
            texts.put(status, Arena.global().allocateFrom(text.apply(status)));
        }
        return texts;
    }
}
