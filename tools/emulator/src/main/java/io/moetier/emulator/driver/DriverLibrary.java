package io.moetier.emulator.driver;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.function.FunctionTable;
import io.moetier.emulator.driver.machine.ComputeCache;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.trampoline.Trampoline;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The library of this process, and the machine that its functions reach.
///
/// LWJGL looks up the driver's functions once and keeps their addresses for as long as the process: so
/// there is one library in a process, and what lies behind it can be exchanged. This is the one piece of
/// shared state. What it has compiled outlives a machine, too.
final class DriverLibrary {
    /// Not `libcuda.so.1`: nothing shall load it by accident.
    private static final String SONAME = "libmoetier-emulated-cuda.so";

    private static @Nullable DriverLibrary shared;

    private final FunctionTable functions = FunctionTable.complete();
    private final AtomicReference<@Nullable Machine> machine = new AtomicReference<>();
    private final ComputeCache computeCache = new ComputeCache();
    private final Trampoline trampoline;

    private DriverLibrary() throws IOException {
        trampoline = Trampoline.load(SONAME, functions.exports(), this::call);
    }

    /// Returns the library, writing and loading it when this is the first call.
    static synchronized DriverLibrary shared() throws IOException {
        if (shared == null) {
            shared = new DriverLibrary();
        }
        return shared;
    }

    ComputeCache computeCache() {
        return computeCache;
    }

    Path file() {
        return trampoline.file();
    }

    /// Silences functions, which then do nothing and succeed.
    void silence(Set<String> functionNames) {
        trampoline.silence(functionNames);
    }

    /// Puts a machine behind the functions.
    ///
    /// @throws IllegalStateException if there is one
    void connect(Machine next) {
        if (!machine.compareAndSet(null, next)) {
            throw new IllegalStateException("an emulated driver is running in this process");
        }
    }

    void exchange(Machine before, Machine next) {
        if (!machine.compareAndSet(before, next)) {
            throw new IllegalStateException("the emulated driver was closed");
        }
    }

    void disconnect(Machine last) {
        machine.compareAndSet(last, null);
        trampoline.speak();
    }

    private int call(int function, long[] arguments) {
        Machine current = machine.get();
        return current == null ? CudaStatus.DEINITIALIZED.code() : current.call(functions.get(function), arguments);
    }
}
