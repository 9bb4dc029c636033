package io.moetier.testdata;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// A process that a test starts. It and all that it starts end when it is closed, and with the JVM of the test, however
/// that ends: they are a group of processes, which [Guard] ends.
public final class ChildProcess implements AutoCloseable {
    /// Far more than anything takes that ends at all, on a machine that is busy with other things.
    private static final long PATIENCE_MINUTES = 15;

    /// Variables by which whoever runs the tests gives options to all JVMs, which say so where output is compared.
    private static final List<String> OPTIONS = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    private final Process process;
    private final Guard guard;

    private ChildProcess(Process process, Guard guard) {
        this.process = process;
        this.guard = guard;
    }

    /// How a process ended, and what it printed to either stream.
    public record Ended(int exitCode, String said) {}

    /// Returns a command that runs a program of the tests in a small JVM of its own, which starts quickly. It has the
    /// modules and the class path of this one.
    public static List<String> java(Class<?> program, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(arguments);
        return command;
    }

    /// Starts what `builder` says, whose command gets one in front that makes a group of processes.
    public static ChildProcess start(ProcessBuilder builder) throws IOException {
        Guard guard = Guard.ofJvm();
        List<String> command = new ArrayList<>(List.of("setsid"));
        command.addAll(builder.command());
        builder.environment().keySet().removeAll(OPTIONS);
        Process process = builder.command(command).start();
        guard.watch(process.pid());
        return new ChildProcess(process, guard);
    }

    /// Starts a process, and returns how it ended; whatever it started and left running is ended as well.
    ///
    /// @throws AssertionError if it does not end
    public static Ended run(ProcessBuilder builder) throws IOException, InterruptedException {
        builder.redirectErrorStream(true).redirectInput(Redirect.from(new File("/dev/null")));
        try (ChildProcess child = start(builder);
                InputStream out = child.process.getInputStream()) {
            // what it left may hold its output open
            CompletableFuture<Boolean> hasEnded = child.process
                    .onExit()
                    .orTimeout(PATIENCE_MINUTES, TimeUnit.MINUTES)
                    .handle((_, late) -> child.end(late == null));
            String said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            if (!hasEnded.join()) {
                throw new AssertionError("did not end: " + builder.command() + "\n" + said);
            }
            return new Ended(child.waitFor(), said);
        }
    }

    private boolean end(boolean hasEnded) {
        close();
        return hasEnded;
    }

    /// Returns the process, for its streams and signals.
    public Process process() {
        return process;
    }

    /// Waits until the process ends, and returns its exit code.
    ///
    /// @throws AssertionError if it does not
    public int waitFor() throws InterruptedException {
        if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
            throw new AssertionError("still running: " + process.info().commandLine());
        }
        return process.exitValue();
    }

    /// Says whether a process of this number runs. One that has ended may stay in the table until somebody asks how.
    public static boolean runs(long pid) {
        try {
            String state = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return !state.substring(state.lastIndexOf(')') + 1).strip().startsWith("Z");
        } catch (IOException e) {
            if (!Files.isDirectory(Path.of("/proc/self"))) {
                throw new AssertionError("needs /proc", e);
            }
            return false;
        }
    }

    /// Ends the process at once, with all that it has started, and waits until it is gone.
    @Override
    public void close() {
        // It may not have made its group yet, and starts nothing from now on. What it has printed can still be read.
        process.toHandle().destroyForcibly();
        guard.end(process.pid());
        process.onExit().join();
    }
}
