package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PlainArithmetic;
import io.moetier.kernels.cpu.nativecode.NativeArithmetic;
import io.moetier.kernels.cpu.nativecode.NativeKernels;
import io.moetier.kernels.cpu.vector.VectorApi;
import io.moetier.kernels.cpu.vector.VectorArithmetic;
import io.moetier.kernels.cpu.vector.VectorSupport;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// The arithmetic that computes, and what to say about it.
///
/// @param remark why nothing faster is used; empty if there is nothing faster
record KernelSelection(Arithmetic arithmetic, String remark) {
    private static final Logger LOG = System.getLogger("io.moetier.kernels");
    private static final String HINT = "start the JVM with --add-modules=" + VectorApi.MODULE;

    /// Returns what was asked for, and logs it: a device does this once.
    ///
    /// @throws IllegalArgumentException if it cannot be used here
    static KernelSelection of(KernelChoice choice, Optional<Path> directory) {
        KernelSelection selection = select(choice, directory);
        LOG.log(Level.DEBUG, () -> "kernels " + choice.name().toLowerCase(Locale.ROOT) + ": " + selection.words());
        return selection;
    }

    /// Returns the instructions that compute, and why nothing faster does.
    private String words() {
        return arithmetic.description() + remark;
    }

    private static KernelSelection select(KernelChoice choice, Optional<Path> directory) {
        return switch (choice) {
            case AUTO -> fastest(NativeKernels.load(directory));
            case NATIVE -> {
                NativeKernels.load(directory).ifPresent(objection -> {
                    throw new IllegalArgumentException("the native kernels cannot be used: " + objection);
                });
                yield new KernelSelection(new NativeArithmetic(), "");
            }
            case VECTOR -> {
                if (!VectorApi.isPresent()) {
                    throw new IllegalArgumentException("the Vector API is not there: " + HINT);
                }
                yield new KernelSelection(new VectorArithmetic(), "");
            }
            case PLAIN -> new KernelSelection(new PlainArithmetic(), "");
        };
    }

    /// Returns the fastest that works, given what speaks against native code.
    static KernelSelection fastest(Optional<String> objection) {
        return objection
                .map(reason -> inJava("no native kernels: " + reason))
                .orElseGet(() -> new KernelSelection(new NativeArithmetic(), ""));
    }

    private static KernelSelection inJava(String reason) {
        // Asked only where the Vector API is: the class that answers needs it.
        Optional<String> objection =
                VectorApi.isPresent() ? VectorSupport.ofProcess().objection() : Optional.of(HINT);
        return objection.isEmpty()
                ? new KernelSelection(new VectorArithmetic(), " (" + reason + ")")
                : new KernelSelection(new PlainArithmetic(), " (slow: " + reason + "; " + objection.get() + ")");
    }
}
