package io.moetier.cli;

import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.testdata.ChildProcess;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What a command printed and how it ended.
public record CommandLineRun(int exitCode, String out, String err) {
    /// Runs a command in this JVM, with `cache` as the folder of first-use imports.
    public static CommandLineRun inProcess(Path cache, String... args) {
        return inProcess(Map.of("MOETIER_CACHE", cache.toString()), cache.resolve("home"), args);
    }

    /// Runs a command in this JVM with these variables of the environment.
    public static CommandLineRun inProcess(Map<String, String> variables, Path home, String... args) {
        return onTerminals("", variables, home, args);
    }

    /// Runs a command in this JVM that finds these bytes on standard input.
    public static CommandLineRun inProcess(Path cache, byte[] input, String... args) {
        Map<String, String> variables = Map.of("MOETIER_CACHE", cache.toString());
        return run(new Surroundings(variables, cache.resolve("home"), ""), input, args);
    }

    /// Runs a command in this JVM whose standard streams with these digits are terminals.
    static CommandLineRun onTerminals(String terminals, Map<String, String> variables, Path home, String... args) {
        return run(new Surroundings(variables, home, terminals), new byte[0], args);
    }

    private static CommandLineRun run(Surroundings surroundings, byte[] input, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Streams streams = new Streams(new ByteArrayInputStream(input), new PrintWriter(out), new PrintWriter(err));
        int exitCode = Moetier.execute(surroundings, streams, args);
        return new CommandLineRun(exitCode, out.toString(), err.toString());
    }

    /// Starts a command in a JVM of its own ([#command]); its output goes to `log`.
    public static ChildProcess start(Path log, String... args) {
        return start(log, List.of(), args);
    }

    /// Starts a command whose JVM is started by `launcher`, the beginning of a command line.
    public static ChildProcess start(Path log, List<String> launcher, String... args) {
        return start(log, launcher, QuickJvm.OPTIONS, args);
    }

    /// Starts a command with these options of the JVM beside those of the launcher of commands.
    public static ChildProcess start(Path log, List<String> launcher, List<String> options, String... args) {
        List<String> command = new ArrayList<>(launcher);
        command.addAll(command(options));
        command.addAll(List.of(args));
        try {
            Files.createDirectories(log.toAbsolutePath().getParent());
            return ChildProcess.start(new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(log.toFile())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns the beginning of a command line for commands in a JVM of their own, which is started as this one was, or
    /// as the launcher does it where that is tested ([PackedProgram]).
    public static List<String> command(List<String> options) {
        return command(options, Moetier.class);
    }

    /// Returns the same for another class of the tests of commands, such as [CommandWorker].
    public static List<String> command(List<String> options, Class<?> main) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (PackedProgram.isTested()) {
            command.addAll(PackedProgram.options());
        } else {
            command.add("@" + Path.of("src/main/launcher/jvm.args").toAbsolutePath());
            command.add("-XX:+UseSerialGC");
            command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        }
        command.addAll(options);
        command.add(main.getName());
        return command;
    }

    /// Starts a command as the first [#start] does, and returns its exit code when it has ended.
    public static int await(Path log, List<String> launcher, String... args) throws InterruptedException {
        try (ChildProcess child = start(log, launcher, args)) {
            return child.waitFor();
        }
    }

    /// Starts a command as the last [#start] does, and returns its exit code when it has ended.
    public static int await(Path log, List<String> launcher, List<String> options, String... args)
            throws InterruptedException {
        try (ChildProcess child = start(log, launcher, options, args)) {
            return child.waitFor();
        }
    }
}
