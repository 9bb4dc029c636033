package io.moetier.testdata;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Feeds parsers with inputs that Jazzer makes from those in `test-data/fuzz`, guided by the code that they reach.
///
/// A target is a class `XFuzzTest` with a method `public static void fuzzerTestOneInput(byte[])`, out of which nothing
/// may come. It runs in a JVM and a working directory of its own; `tools/fuzz X` runs it longer.
public final class Fuzzing {
    private static final int SHOWN_LINES = 80;

    /// What each target has: Moetier's own modules, the parser of JSON, assertions and Jazzer, which first reads all
    /// classes of the path. That takes longer than all inputs where there are many.
    private static final String ALWAYS =
            "moetier|jackson-core|jackson-jr|junit-jupiter-api|junit-platform-commons|opentest4j|jazzer";

    private Fuzzing() {}

    /// Feeds a target with its corpus and then with inputs made of it, `runs` in all and the same in each run of the
    /// tests.
    ///
    /// @param libraries how the jars begin that the target needs besides Moetier's own and the parser of JSON
    /// @throws AssertionError if the target fails, naming the directory that holds the input
    public static void check(Class<?> target, int runs, String... libraries) throws IOException, InterruptedException {
        check(target, path(libraries), runs);
    }

    /// Feeds a target that reaches the desktop module of the JDK, for its pictures or its beans.
    public static void checkWithDesktop(Class<?> target, int runs, String... libraries)
            throws IOException, InterruptedException {
        List<String> options = new ArrayList<>(path(libraries));
        options.add("@" + TestData.root().resolve("fuzz/desktop.args"));
        check(target, options, runs);
    }

    private static void check(Class<?> target, List<String> options, int runs)
            throws IOException, InterruptedException {
        String name = target.getSimpleName().replaceFirst("FuzzTest$", "");
        Path corpus = TestData.root().resolve("fuzz").resolve(name);
        check(target, options, runs, corpus, Path.of("target", "fuzz", name));
    }

    static void check(Class<?> target, List<String> options, int runs, Path corpus, Path workingDirectory)
            throws IOException, InterruptedException {
        Path directory = workingDirectory.toAbsolutePath();
        clear(directory);
        Files.createDirectories(directory.resolve("corpus"));
        Path log = directory.resolve("log");
        ProcessBuilder builder = new ProcessBuilder(command(target, options, runs, corpus))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        try (ChildProcess child = ChildProcess.start(builder)) {
            requireSuccess(child.waitFor(), runs, log);
        }
    }

    private static List<String> command(Class<?> target, List<String> options, int runs, Path corpus) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1"); // few inputs do not pay for more
        command.addAll(options);
        command.addAll(List.of(
                "@" + TestData.root().resolve("fuzz/java.args"),
                "--target_class=" + target.getName(),
                "-seed=1",
                "-runs=" + runs,
                "corpus", // where new inputs go
                corpus.toString()));
        return command;
    }

    /// Returns the options that give a target its classes.
    static List<String> path(String... libraries) {
        Pattern needed = Pattern.compile("(" + ALWAYS
                + Stream.of(libraries).map(name -> "|" + name).collect(Collectors.joining()) + ")-.*[.]jar");
        String path = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.endsWith(".jar")
                        || needed.matcher(String.valueOf(Path.of(entry).getFileName()))
                                .matches())
                .collect(Collectors.joining(File.pathSeparator));
        return List.of("-cp", path);
    }

    private static void requireSuccess(int exitCode, int runs, Path log) throws IOException {
        List<String> lines = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
        if (exitCode != 0 || !lines.contains("stat::number_of_executed_units: " + runs)) {
            throw new AssertionError("exit code " + exitCode + "; the input, if one failed, is saved in "
                    + log.getParent()
                    + ", and log there ends with:\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size())));
        }
    }

    /// Makes `bytes` the content of a file, which is not emptied first: file systems write an emptied file to disk
    /// when it is closed, which takes many times as long as parsing it.
    public static void write(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            channel.truncate(bytes.length);
        }
    }

    private static void clear(Path directory) throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
