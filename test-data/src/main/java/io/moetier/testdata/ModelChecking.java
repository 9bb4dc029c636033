package io.moetier.testdata;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Runs scenarios of threads under a model checker, which tries their interleavings one after another, in a JVM of its
/// own: the checker instruments classes of the JDK, on which other tests measure.
///
/// A target is a test class `XInterleavingsTest` with a `main` that hands its scenarios to the checker.
public final class ModelChecking {
    private ModelChecking() {}

    /// Checks all scenarios of a target.
    ///
    /// @throws AssertionError if one fails, with the interleaving that leads there
    public static void check(Class<?> target) throws IOException, InterruptedException {
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(command(target)));
        if (ended.exitCode() != 0) {
            throw new AssertionError(target.getSimpleName() + " failed:\n" + ended.said());
        }
    }

    private static List<String> command(Class<?> target) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", // most of what runs is instrumented and runs once
                "-XX:+EnableDynamicAgentLoading",
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"), // where the checker leaves its agent
                "@" + TestData.root().resolveSibling("cli/src/main/launcher/jvm.args"),
                "-cp",
                System.getProperty("java.class.path"),
                target.getName());
    }
}
