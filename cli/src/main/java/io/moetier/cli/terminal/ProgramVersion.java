package io.moetier.cli.terminal;

import org.jspecify.annotations.Nullable;

/// The version of the jar that runs.
public final class ProgramVersion {
    private ProgramVersion() {}

    public static String get() {
        @Nullable String version = ProgramVersion.class.getPackage().getImplementationVersion();
        return version == null ? "(not packaged)" : version;
    }
}
