package io.moetier.emulator.ptx.module;

import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.decode.KernelScope;
import io.moetier.emulator.ptx.decode.PtxParameter;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A `.entry` of a module.
public final class PtxKernel {
    private final String name;
    private final List<PtxParameter> parameters;
    private final int maxThreads;
    private final int sharedBytes;
    private final int localBytes;
    private final int registers;
    private final Supplier<Op.Program> reading;
    private final Tokens source;
    private Op.@Nullable Program program;

    /// @param scope of the kernel's body, which has been read
    /// @param reading reads it again, from `source`, for what is executed
    PtxKernel(
            String name,
            List<PtxParameter> parameters,
            int maxThreads,
            KernelScope scope,
            Supplier<Op.Program> reading,
            Tokens source) {
        this.name = name;
        this.parameters = List.copyOf(parameters);
        this.maxThreads = maxThreads;
        sharedBytes = scope.sharedBytes();
        localBytes = scope.localBytes();
        registers = scope.declaredRegisters();
        this.reading = reading;
        this.source = source;
    }

    public String name() {
        return name;
    }

    public List<PtxParameter> parameters() {
        return parameters;
    }

    /// The size of all parameters together, gaps included.
    public int parameterBytes() {
        return parameters.isEmpty()
                ? 0
                : parameters.getLast().offset() + parameters.getLast().bytes();
    }

    /// Static shared memory of a block.
    public int sharedBytes() {
        return sharedBytes;
    }

    /// Local memory of a thread.
    public int localBytes() {
        return localBytes;
    }

    /// The most threads a block may have: `.maxntid` or `.reqntid`, else 1024.
    public int maxThreads() {
        return maxThreads;
    }

    /// How many 32-bit registers the text declares, which a compiler for a real device would reduce.
    public int registers() {
        return registers;
    }

    /// Returns what is executed: decoded when it is needed first, as most kernels of a module never run.
    public Op.Program program() {
        synchronized (source) {
            Op.Program known = program;
            if (known == null) {
                known = reading.get();
                program = known;
            }
            return known;
        }
    }

    /// The statement that begins in a line of the text.
    public String text(int line) {
        return source.text(line);
    }
}
