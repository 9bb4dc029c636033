package io.moetier.cli.hostile;

import io.moetier.cli.CommandWorker;
import io.moetier.testdata.ChildProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/// Runs inputs one after another in a JVM of their own, and starts another one when it has died.
final class WorkerRunner implements Runner {
    private static final Path JVM_ARGS = Path.of("src/main/launcher/jvm.args");
    private final Sandbox sandbox;
    private final Path log;
    private ChildProcess worker;

    WorkerRunner(Sandbox sandbox, Path log) throws IOException {
        this.sandbox = sandbox;
        this.log = log;
        this.worker = start();
    }

    @Override
    public Outcome run(HostileInput input) throws IOException, InterruptedException {
        if (!worker.process().isAlive()) {
            worker.close();
            worker = start();
        }
        Process process = worker.process();
        Duration before = Bounds.processorTime(process.toHandle());
        BufferedReader answers = process.inputReader(StandardCharsets.US_ASCII);
        CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> read(answers), task -> {
            Thread.ofPlatform().daemon().start(task);
        });
        try {
            send(input);
            Duration time = Bounds.await(input.name(), process.toHandle(), before, answer::isDone);
            return outcome(input, answer.join(), time);
        } catch (IOException | AssertionError e) {
            close();
            throw e;
        }
    }

    private void send(HostileInput input) throws IOException {
        String[] texts = Stream.concat(
                        Stream.of(input.standardInput()),
                        input.argumentsIn(sandbox.work().toString()))
                .toArray(String[]::new);
        Writer requests = worker.process().outputWriter(StandardCharsets.US_ASCII);
        requests.write(CommandWorker.encode(texts) + "\n");
        requests.flush();
    }

    private Outcome outcome(HostileInput input, String line, Duration time) throws InterruptedException {
        if (line.isEmpty()) {
            throw new AssertionError(
                    input.name() + ": ended the process, with code " + worker.waitFor() + "; see " + log);
        }
        String[] fields = CommandWorker.decode(line);
        return new Outcome(Integer.parseInt(fields[0]), fields[1], fields[2], time);
    }

    private static String read(BufferedReader answers) {
        try {
            String line = answers.readLine();
            return line == null ? "" : line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ChildProcess start() throws IOException {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + JVM_ARGS.toAbsolutePath(),
                HEAP,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", // most inputs are refused
                "-Djava.io.tmpdir=" + sandbox.temporary(),
                "-cp",
                System.getProperty("java.class.path"),
                CommandWorker.class.getName(),
                sandbox.home().toString(),
                sandbox.cache().toString());
        return ChildProcess.start(new ProcessBuilder(command)
                .directory(sandbox.work().toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile())));
    }

    /// Returns the most memory that the process has had, in bytes; 0 where the system does not tell.
    long peakBytes() throws IOException {
        Path status = Path.of("/proc/" + worker.process().pid() + "/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElse(0);
    }

    @Override
    public void close() {
        worker.close();
    }
}
