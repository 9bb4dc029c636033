package io.moetier.cli;

import java.util.List;

/// A JVM for one short command, which ends before what an optimising compiler makes pays. Nor does it compile at its
/// start what the cache of classes has seen compiled: a quarter of what saying the version takes.
public final class QuickJvm {
    public static final List<String> OPTIONS = List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:+IgnoreUnrecognizedVMOptions", // the other two are JDK 25's
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:-AOTReplayTraining");

    /// The same as the launcher takes them in its variable.
    public static final String VARIABLE = "MOETIER_JAVA_OPTS=" + String.join(" ", OPTIONS);

    private QuickJvm() {}
}
