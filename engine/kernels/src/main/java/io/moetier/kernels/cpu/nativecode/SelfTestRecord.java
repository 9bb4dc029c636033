package io.moetier.kernels.cpu.nativecode;

import io.moetier.storage.platform.PrivateDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// Remembers beside the library that its kernels passed their test, which takes a fifth of a short command: the same
/// library gives the same results on the same processor.
final class SelfTestRecord {
    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

    /// What tells one processor from another, on x86 and on Arm.
    private static final List<String> KEYS = List.of(
            "vendor_id",
            "model name",
            "stepping",
            "microcode",
            "flags",
            "Features",
            "CPU implementer",
            "CPU part",
            "CPU revision");

    private final Path directory;
    private final String name;
    private final String circumstances;

    /// @param directory of the library
    /// @param name of the file that remembers
    /// @param circumstances under which a test passes again
    SelfTestRecord(Path directory, String name, String circumstances) {
        this.directory = directory;
        this.name = name;
        this.circumstances = circumstances;
    }

    /// Returns what is remembered of a library on this processor; nothing where the system does not tell which it is.
    ///
    /// @param directory of the library
    static Optional<SelfTestRecord> of(NativeLibrary library, Path directory) {
        return processor()
                .map(processor -> new SelfTestRecord(
                        directory,
                        library.digest() + ".passed",
                        library.instructions() + "\nJava " + Runtime.version() + "\n" + processor));
    }

    private static Optional<String> processor() {
        try {
            String first = Files.readAllLines(PROCESSORS).stream()
                    .takeWhile(line -> !line.isEmpty())
                    .filter(line -> KEYS.contains(line.split("\t*:", 2)[0]))
                    .collect(Collectors.joining("\n"));
            return first.isEmpty() ? Optional.empty() : Optional.of(first);
        } catch (IOException e) { // another system
            return Optional.empty();
        }
    }

    /// Returns what `test` objects, or nothing without asking it where it had nothing to object under these
    /// circumstances.
    Optional<String> or(Supplier<Optional<String>> test) {
        if (isKnown()) {
            return Optional.empty();
        }
        Optional<String> objection = test.get();
        if (objection.isEmpty()) {
            keep();
        }
        return objection;
    }

    private boolean isKnown() {
        try (PrivateDirectory kept = PrivateDirectory.open(directory)) {
            return kept.text(name).equals(Optional.of(circumstances));
        } catch (IOException e) {
            return false;
        }
    }

    private void keep() {
        try (PrivateDirectory kept = PrivateDirectory.open(directory)) {
            kept.replace(name, circumstances);
        } catch (IOException e) {
            // of no concern to a user: only the next start takes longer
        }
    }
}
