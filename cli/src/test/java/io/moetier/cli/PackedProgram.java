package io.moetier.cli;

import io.moetier.testdata.ChildProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// The program as it is packed, with its cache of classes: it starts in two thirds of the time, as it does for users.
final class PackedProgram {
    private static final String JAR = System.getProperty("moetier.program", "");

    private PackedProgram() {}

    /// Says whether the tests that run are those of the packed program.
    static boolean isTested() {
        return !JAR.isEmpty();
    }

    /// Returns the options of the JVM with which the launcher starts it.
    static List<String> options() {
        return Options.OF_LAUNCHER;
    }

    /// Made by the launcher's first start after a build.
    private static final class Options {
        static final List<String> OF_LAUNCHER = make();

        private static List<String> make() {
            Path jar = Path.of(JAR);
            String launcher = jar.resolveSibling("../../moetier").normalize().toString();
            try {
                ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(launcher, "--version"));
                if (ended.exitCode() != 0) {
                    throw new AssertionError(ended.said());
                }
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
            String made = jar.resolveSibling("launcher-" + Runtime.version().feature())
                    .toString();
            String tests = Path.of("target/test-classes").toAbsolutePath().toString(); // behind what the cache knows
            String path = JAR + File.pathSeparator + tests;
            return List.of("@" + made + ".args", "-Xlog:disable", "-XX:AOTCache=" + made + ".aot", "-cp", path);
        }
    }
}
