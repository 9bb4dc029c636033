package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.MemoryGroup;
import io.moetier.cli.QuickJvm;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Races with a peer that takes no time, where tests may make control groups; elsewhere a race
/// says that it may not.
class RaceTest {
    private static final int POLL_MILLIS = 20;

    @TempDir
    Path directory = Path.of("");

    private boolean mayRace;
    private Path model = Path.of("");

    @BeforeEach
    void writeModel() throws IOException {
        try (MemoryGroup group = MemoryGroup.create(1 << 30).orElse(null)) {
            mayRace = group != null;
        }
        model = new TinyGguf().write(directory.resolve("tiny.gguf"));
        program("moetier", "exec " + String.join(" ", CommandLineRun.command(QuickJvm.OPTIONS)) + " \"$@\"");
    }

    @Test
    void bothAreFedTheSameTokens() throws IOException {
        program(
                "peer",
                "echo 'ready idle peer'; while read -r line; do echo \"$line\" >>'" + directory
                        + "/asked'; echo 'done 0.5'; done");
        CommandLineRun run = race("--memory", "1G", "--json");
        if (!mayRace) {
            assertEquals(Failure.FAILED, run.exitCode());
            assertTrue(run.err().contains("a race needs"), run.err());
            return;
        }
        assertEquals(Failure.OK, run.exitCode(), run.err());
        JsonObject found = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), model);
        assertEquals("idle peer", found.requireString("peer"));
        List<JsonObject> runs = found.requireObjects("limits").getFirst().requireObjects("runs");
        assertEquals(
                List.of(
                        "moetier, first use",
                        "moetier, again",
                        "moetier",
                        "peer, mapped",
                        "peer, copied",
                        "peer, direct"),
                runs.stream().map(each -> each.requireString("engine")).toList());
        assertTrue(runs.stream().noneMatch(each -> each.has("remark")), run.out());
        JsonObject own = runs.get(2);
        JsonObject peer = runs.get(3);
        assertEquals(8, peer.requireDouble("prompt_tokens_per_second"));
        assertEquals(2, peer.requireDouble("steady_tokens_per_second"));
        assertEquals(own.requireDouble("steady_tokens_per_second") / 2, peer.requireDouble("ratio"), 1e-9);
        assertTrue(own.requireLong("peak_bytes") > 0);
        List<String> asked = Files.readAllLines(directory.resolve("asked"));
        assertEquals("prompt 0 1 2 3", asked.getFirst());
        assertEquals(asked.subList(0, 4), asked.subList(4, 8));
        assertTrue(asked.subList(1, 4).stream().allMatch(line -> line.matches("append \\d+")), asked::toString);
        assertEquals(List.of(), scratch());
    }

    @Test
    void whoDoesNotLoadAndWhoNeedsTooMuchIsSaidSo() throws IOException {
        program("peer", "echo 'failed there is no model'");
        CommandLineRun run = race("--memory", "4M");
        if (mayRace) {
            assertEquals(Failure.OK, run.exitCode(), run.err());
            List<String> rows =
                    run.out().lines().skip(1).takeWhile(line -> !line.isEmpty()).toList();
            assertTrue(
                    rows.subList(0, 3).stream()
                            .allMatch(row -> row.endsWith("killed: it needs more memory than the limit")),
                    run.out());
            assertTrue(rows.subList(3, 6).stream().allMatch(row -> row.endsWith(": there is no model")), run.out());
        }
    }

    @Test
    void whatItStartedEndsWithIt() throws IOException, InterruptedException {
        if (!mayRace) {
            return;
        }
        Path started = directory.resolve("started");
        program("peer", "echo $$ >'" + started + "'; exec sleep 1000");
        Path log = directory.resolve("log");
        List<String> cache = List.of("env", "MOETIER_CACHE=" + directory.resolve("cache"));
        try (ChildProcess child = CommandLineRun.start(log, cache, arguments("--memory", "1G"))) {
            while (child.process().isAlive() && (Files.notExists(started) || Files.size(started) == 0)) {
                Thread.sleep(POLL_MILLIS);
            }
            long peer = Long.parseLong(Files.readString(started).strip());
            Path group = Path.of("/proc/" + peer + "/cgroup");
            assertTrue(Files.readString(group).contains("moetier-race-"), Files.readString(group));
            child.process().destroy();
            child.waitFor();
            assertFalse(ProcessHandle.of(peer).map(ProcessHandle::isAlive).orElse(false));
        }
        assertEquals(List.of(), scratch());
    }

    @Test
    void optionsAreChecked() {
        usage("race needs a GGUF file, which both engines read, not x", "x", "--memory", "1G");
        usage("--json does not go with --markdown", model.toString(), "--memory", "1G", "--json", "--markdown");
        usage(model + " has no tokenizer for --text", model.toString(), "--memory", "1G", "--text", model.toString());
        usage("-p and -n must be 1 or more", model.toString(), "--memory", "1G", "-p", "0");
    }

    private void usage(String sentence, String... options) {
        CommandLineRun run = CommandLineRun.inProcess(
                directory,
                Stream.concat(Stream.of("race", "--peer", "x", "--moetier", "x"), Stream.of(options))
                        .toArray(String[]::new));
        assertEquals("moetier: " + sentence, run.err().strip());
        assertEquals(Failure.USAGE, run.exitCode());
    }

    private CommandLineRun race(String... options) {
        return CommandLineRun.inProcess(directory.resolve("cache"), arguments(options));
    }

    private String[] arguments(String... options) {
        Stream<String> command = Stream.of(
                "race",
                model.toString(),
                "--peer",
                directory.toString(),
                "--moetier",
                directory.resolve("moetier").toString(),
                "-p",
                "4",
                "-n",
                "3");
        return Stream.concat(command, Stream.of(options)).toArray(String[]::new);
    }

    /// Returns the hidden folders that are left.
    private List<Path> scratch() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("cache"))) {
            return files.filter(file -> String.valueOf(file.getFileName()).startsWith("."))
                    .toList();
        }
    }

    private void program(String name, String script) throws IOException {
        Path program = Files.writeString(directory.resolve(name), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
