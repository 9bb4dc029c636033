package io.moetier.kernels;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A header of C or CUDA that is made from Java and committed, so that whoever compiles needs no Java.
public final class GeneratedHeader {
    private static final Path MODULE = Path.of("engine", "kernels");
    private static final Path MADE = Path.of("target", "headers");

    private GeneratedHeader() {}

    /// Requires that the committed file is `text`; else leaves that where a copy takes it from.
    ///
    /// @param committed in this module
    public static void require(Path committed, String text) throws IOException {
        Path made = MADE.resolve(committed.getFileName());
        if (!Files.exists(committed) || !Files.readString(committed).equals(text)) {
            Files.createDirectories(MADE);
            Files.writeString(made, text);
            fail(committed + " is not what Java says. After a change:\n    cp " + MODULE.resolve(made) + " "
                    + MODULE.resolve(committed));
        }
    }
}
