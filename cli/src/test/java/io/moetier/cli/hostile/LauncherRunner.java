package io.moetier.cli.hostile;

import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/// Runs each input as its user would: in a process of its own, which the launcher starts.
record LauncherRunner(Path launcher, Sandbox sandbox) implements Runner {
    private static final int SIGNAL = 128;

    @Override
    public Outcome run(HostileInput input) throws IOException, InterruptedException {
        byte[] said = input.standardInput().getBytes(StandardCharsets.UTF_8); // half a pair of surrogates has none: ?
        Path in = Files.write(sandbox.temporary().resolve("stdin"), said);
        Path out = sandbox.temporary().resolve("stdout");
        Path err = sandbox.temporary().resolve("stderr");
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(
                                Stream.of(launcher.toString()),
                                input.argumentsIn(sandbox.work().toString()))
                        .toList())
                .directory(sandbox.work().toFile())
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("MOETIER_CACHE", sandbox.cache().toString());
        builder.environment().put("MOETIER_JAVA_OPTS", HEAP);
        try (ChildProcess child = ChildProcess.start(builder)) {
            Process process = child.process();
            Duration time = Bounds.await(input.name(), process.toHandle(), Duration.ZERO, () -> !process.isAlive());
            if (process.exitValue() >= SIGNAL) {
                throw new AssertionError(input.name() + ": ended by signal " + (process.exitValue() - SIGNAL) + ": "
                        + Files.readString(err));
            }
            return new Outcome(process.exitValue(), read(out), read(err), time);
        }
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {}
}
