package io.moetier.testdata;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A fuzzer that finds nothing would be a test that always passes.
public final class FuzzingTest {
    private static final String BAD = "a bad input";

    @TempDir
    Path corpus = Path.of("");

    /// Fails for inputs that begin in one way, which no fuzzer guesses that does not see the code.
    public static void fuzzerTestOneInput(byte[] input) {
        if (new String(input, StandardCharsets.ISO_8859_1).startsWith(BAD)) {
            throw new ArithmeticException("found");
        }
    }

    @Test
    void findsAndSavesWhatFails() throws Exception {
        Files.writeString(corpus.resolve("good"), "a good input");
        Path directory = Path.of("target", "fuzz", "itself");
        AssertionError failure = assertThrows(
                AssertionError.class,
                () -> Fuzzing.check(FuzzingTest.class, Fuzzing.path(), 20_000, corpus, directory));
        String message = String.valueOf(failure.getMessage());
        assertTrue(message.contains("exit code 77"), message);
        assertTrue(message.contains("java.lang.ArithmeticException: found"), message);
        assertTrue(message.contains(directory.toAbsolutePath().toString()), message);
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> saved = files.filter(
                            file -> String.valueOf(file.getFileName()).startsWith("crash-"))
                    .toList();
            assertTrue(Files.readString(saved.getFirst(), StandardCharsets.ISO_8859_1)
                    .startsWith(BAD));
        }
    }
}
