package io.moetier.cli.profiles;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which model's profile is meant.
final class OfModel {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "Of the model of this name, or whose fingerprint begins so; needed if several have one.")
    @Nullable
    String model;

    /// Finds the profile `name`.
    ///
    /// @throws IllegalArgumentException if there is none, or if there are several
    KeptProfile find(ProfileFolder folder, String name) {
        return folder.find(name, Optional.ofNullable(model));
    }
}
