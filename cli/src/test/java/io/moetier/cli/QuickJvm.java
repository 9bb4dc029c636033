package io.moetier.cli;

import java.util.List;

/// A JVM for one short command, which ends before what an optimising compiler makes pays.
public final class QuickJvm {
    public static final List<String> OPTIONS = List.of("-XX:TieredStopAtLevel=1");

    /// The same as the launcher takes them in its variable.
    public static final String VARIABLE = "MOETIER_JAVA_OPTS=" + String.join(" ", OPTIONS);

    private QuickJvm() {}
}
