package io.moetier.cli.option;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What reads the pictures of a model in a GGUF file.
public final class TowerOptions {
    @About(Topic.MODEL)
    @Option(
            names = "--mmproj",
            paramLabel = "FILE",
            description = "The GGUF file with the model's tower for images; default: the one beside the model, if no"
                    + " other there fits it.")
    @Nullable
    Path mmproj;

    /// Returns the file, if one is named.
    public Optional<Path> file() {
        return Optional.ofNullable(mmproj);
    }
}
