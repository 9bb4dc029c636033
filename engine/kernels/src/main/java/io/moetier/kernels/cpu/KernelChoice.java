package io.moetier.kernels.cpu;

import io.moetier.kernels.cpu.nativecode.NativeKernels;
import io.moetier.kernels.cpu.nativecode.NativeLibrary;
import java.util.List;
import java.util.Optional;

/// Which arithmetic the CPU uses.
public enum KernelChoice {
    /// The fastest that works here: native code, else the Vector API, else plain loops.
    AUTO,
    /// C code compiled for this kind of processor, or an error.
    NATIVE,
    /// The Vector API, or an error.
    VECTOR,
    /// Plain loops: slow, and the reference for everything else.
    PLAIN;

    /// Returns those that compute each in their own way: the plain and the vector kernels, and the native ones if there
    /// are any for this processor, whether or not they pass their self-test.
    public static List<KernelChoice> present() {
        boolean isNative = NativeLibrary.resource().isPresent()
                && !NativeKernels.load(Optional.empty()).equals(Optional.of(NativeLibrary.NO_LEVEL));
        return isNative ? List.of(PLAIN, VECTOR, NATIVE) : List.of(PLAIN, VECTOR);
    }
}
