package io.moetier.kernels.cpu.nativecode;

import java.net.URL;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The native kernels of this process, which are loaded and tested once.
///
/// What is static here is static by nature: native code is loaded into the JVM, not into an object.
public final class NativeKernels {
    private static @Nullable NativeLibrary library;
    private static boolean tried;
    private static boolean tested;
    private static Optional<String> objection = Optional.empty();
    private static Optional<String> objectionToUse = Optional.empty();

    private NativeKernels() {}

    /// Loads the kernels and compares their results with those of plain loops, unless that was done before, by this
    /// process or, with this library and processor, by another one ([SelfTestRecord]).
    ///
    /// @param directory where the library is unpacked, for later starts to find; empty for a temporary directory
    /// @return why they cannot be used, if so: part of a sentence
    public static synchronized Optional<String> load(Optional<Path> directory) {
        if (!tested) {
            tested = true;
            objectionToUse = loadUntested(directory).or(() -> test(directory));
        }
        return objectionToUse;
    }

    /// Loads the library, unless that was done before, for a caller that tests what it uses of it.
    ///
    /// @return why it cannot be loaded, if so: part of a sentence
    static synchronized Optional<String> loadUntested(Optional<Path> directory) {
        if (!tried) {
            tried = true;
            objection = open(NativeLibrary.resource(), directory);
        }
        return objection;
    }

    private static Optional<String> open(Optional<URL> resource, Optional<Path> directory) {
        if (resource.isEmpty()) {
            return Optional.of("they were not built");
        }
        try {
            library = NativeLibrary.open(resource.get(), directory);
            return Optional.empty();
        } catch (IllegalStateException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<String> test(Optional<Path> directory) {
        return directory
                .map(NativeLibrary::keptIn)
                .flatMap(kept -> SelfTestRecord.of(library(), kept))
                .map(record -> record.or(NativeKernels::test))
                .orElseGet(NativeKernels::test);
    }

    private static Optional<String> test() {
        NativeArithmetic arithmetic = new NativeArithmetic();
        return new SelfTest(arithmetic, arithmetic::multiplies).objection();
    }

    /// Returns the library.
    ///
    /// @throws IllegalStateException if it was not loaded
    static synchronized NativeLibrary library() {
        if (library == null) {
            throw new IllegalStateException("the native kernels are not loaded");
        }
        return library;
    }
}
