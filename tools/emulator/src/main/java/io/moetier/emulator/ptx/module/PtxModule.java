package io.moetier.emulator.ptx.module;

import io.moetier.emulator.ptx.text.PtxException;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A parsed PTX text.
public final class PtxModule {
    private final PtxVersion version;
    private final int target;
    private final Map<String, PtxKernel> kernels;
    private final List<PtxVariable> variables;

    PtxModule(PtxVersion version, int target, Map<String, PtxKernel> kernels, List<PtxVariable> variables) {
        this.version = version;
        this.target = target;
        this.kernels = Map.copyOf(kernels);
        this.variables = List.copyOf(variables);
    }

    /// Reads a PTX text.
    ///
    /// @throws PtxException if it is malformed, or uses an instruction, modifier or type that is not known
    public static PtxModule parse(String text) {
        return new ModuleParser(new Tokens(text)).read();
    }

    public PtxVersion version() {
        return version;
    }

    /// The least compute capability, as in `sm_75`: 75.
    public int target() {
        return target;
    }

    public Optional<PtxKernel> kernel(String name) {
        return Optional.ofNullable(kernels.get(name));
    }

    public List<String> kernelNames() {
        return kernels.keySet().stream().sorted().toList();
    }

    public List<PtxVariable> variables() {
        return variables;
    }
}
