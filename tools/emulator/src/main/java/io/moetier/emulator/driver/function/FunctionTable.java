package io.moetier.emulator.driver.function;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.DriverFunction;
import io.moetier.emulator.driver.machine.EntryPoint;
import io.moetier.emulator.driver.machine.Precondition;
import io.moetier.emulator.driver.trampoline.Trampoline;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// All functions of the driver, in the order of the library's exports.
public final class FunctionTable {
    private final List<DriverFunction> functions = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    private FunctionTable() {}

    /// Returns a table of what is emulated, and of what must be there and answers that it is not.
    public static FunctionTable complete() {
        FunctionTable table = new FunctionTable();
        DriverFunctions.addTo(table);
        DeviceFunctions.addTo(table);
        ContextFunctions.addTo(table);
        MemoryFunctions.addTo(table);
        PinnedFunctions.addTo(table);
        CopyFunctions.addTo(table);
        StreamFunctions.addTo(table);
        EventFunctions.addTo(table);
        ModuleFunctions.addTo(table);
        KernelFunctions.addTo(table);
        RequiredFunctions.NAMES.forEach(table::addUnsupported);
        return table;
    }

    /// Adds a function.
    ///
    /// @param symbol with the suffix that CUDA's header gives it
    void add(String symbol, int arity, Precondition precondition, EntryPoint entryPoint) {
        if (!names.add(symbol)) {
            throw new IllegalArgumentException(symbol + " is there twice");
        }
        functions.add(new DriverFunction(symbol, symbol.replaceFirst("_v\\d$", ""), arity, precondition, entryPoint));
    }

    private void addUnsupported(String symbol) {
        if (!names.contains(symbol)) {
            add(symbol, 0, Precondition.NONE, (machine, call) -> {
                throw DriverError.of(CudaStatus.NOT_SUPPORTED, "not emulated");
            });
        }
    }

    public DriverFunction get(int index) {
        return functions.get(index);
    }

    public List<Trampoline.Export> exports() {
        return functions.stream()
                .map(function -> new Trampoline.Export(function.symbol(), function.arity()))
                .toList();
    }
}
