package io.moetier.engine.device.cpu;

import java.util.Optional;
import java.util.stream.Stream;

/// The kernels that tests run on.
public final class KernelTiers {
    private KernelTiers() {}

    /// Returns the plain and the vector kernels, and the native ones if there are any for this processor. Those that
    /// are there and fail their self-test are among them: a test that opens them fails.
    public static Stream<KernelChoice> all() {
        return nativeKernelsAreThere()
                ? Stream.of(KernelChoice.PLAIN, KernelChoice.VECTOR, KernelChoice.NATIVE)
                : Stream.of(KernelChoice.PLAIN, KernelChoice.VECTOR);
    }

    private static boolean nativeKernelsAreThere() {
        return NativeLibrary.resource().isPresent()
                && !NativeKernels.load(Optional.empty()).equals(Optional.of(NativeLibrary.NO_LEVEL));
    }
}
