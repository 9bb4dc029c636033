package io.moetier.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.TinyGguf;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.HubDouble;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerTest {
    private static final Path MODEL = Path.of("model.gguf");

    @TempDir
    Path folder = Path.of("");

    @Test
    void itIsAskedAndAnswers() throws IOException {
        write("echo \"ready $2 threads, $3 tokens\"; while read -r line; do echo \"$line\" >>'" + folder
                + "/asked'; echo 'done 0.25'; done");
        try (Peer peer = Peer.start(folder, MODEL, 2, 64)) {
            assertEquals("2 threads, 64 tokens", peer.name());
            assertEquals(0.25, peer.prompt(new int[] {1, 2, 3}));
            assertEquals(0.25, peer.generate(new int[] {4}, new int[] {5, 6}));
        }
        assertEquals(List.of("prompt 1 2 3", "generate 4 : 5 6"), Files.readAllLines(folder.resolve("asked")));
    }

    @Test
    void whatGoesWrongIsSaid() throws IOException {
        fails(folder + ": expected a program called peer, as tools/bench/compare makes it");
        write("echo 'failed there is no model'");
        fails(named() + ": there is no model");
        write("exit 1");
        fails(named() + ": the peer ended without an answer");
        write("echo hello");
        fails(named() + ": expected 'ready ...', found 'hello'");
        write("echo 'ready peer'; read -r line; echo 'done soon'");
        try (Peer peer = Peer.start(folder, MODEL, 1, 1)) {
            UncheckedIOException e = assertThrows(UncheckedIOException.class, () -> peer.prompt(new int[] {1}));
            assertEquals(named() + ": expected seconds, found 'soon'", e.getMessage());
        }
    }

    @Test
    void itGetsTheFirstPartOfAModelInSeveral() throws IOException {
        Path first = part(new TinyGguf().remove("output_norm.weight"), 0);
        Path second = part(new TinyGguf().keep("output_norm.weight"), 1);
        write("echo \"$1\" >'" + folder + "/asked'; echo 'ready peer'; while read -r line; do echo 'done 0.25'; done");
        CommandLineRun run = CommandLineRun.inProcess(
                folder.resolve("cache"),
                ("bench " + second + " --compare --peer " + folder + " -p 2 -n 1 -r 1 --warm-up 0").split(" ", -1));
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertEquals(List.of(first.toString()), Files.readAllLines(folder.resolve("asked")));
    }

    @Test
    void optionsGoTogether() throws IOException {
        String tiny = TestData.tinyMixtral().toString();
        usage("--compare needs --peer FOLDER; tools/bench/compare gets llama.cpp as one", tiny, "--compare");
        usage("--peer goes with --compare", tiny, "--peer", "x");
        write("exit 1");
        usage(
                "--compare needs a GGUF file, which both engines read, not " + tiny,
                tiny,
                "--compare",
                "--peer",
                folder.toString());
    }

    @Test
    void whatCannotBeIsFoundBeforeADownload() throws IOException {
        try (HubDouble hub = HubDouble.start()) {
            hub.put("org/tiny", TestData.tinyMixtral());
            String noPeer = folder + ": expected a program called peer, as tools/bench/compare makes it";
            assertEquals("moetier: " + noPeer, error(hub, "--compare", "--peer", folder.toString()));
            String tooLong = "-p and -n need a context of 512 tokens, but it holds 8 (--ctx sets it)";
            assertEquals("moetier: " + tooLong, error(hub, "--ctx", "8"));
            assertEquals(List.of(), hub.requests());
            write("exit 1");
            assertEquals(
                    "moetier: --compare needs a GGUF file, which both engines read, not hf:org/tiny",
                    error(hub, "--compare", "--peer", folder.toString()));
            assertFalse(hub.requests().stream().anyMatch(HubDouble.Request::isOfFile), () -> "" + hub.requests());
        }
    }

    private String error(HubDouble hub, String... options) {
        String[] args = Stream.concat(Stream.of("bench", "hf:org/tiny"), Stream.of(options))
                .toArray(String[]::new);
        Map<String, String> variables = Map.of(
                "MOETIER_CACHE",
                folder.resolve("cache").toString(),
                "HF_ENDPOINT",
                hub.endpoint().toString());
        return CommandLineRun.inProcess(variables, folder.resolve("home"), args)
                .err()
                .strip();
    }

    private void usage(String sentence, String model, String... options) {
        String[] args = new String[options.length + 2];
        args[0] = "bench";
        args[1] = model;
        System.arraycopy(options, 0, args, 2, options.length);
        CommandLineRun run = CommandLineRun.inProcess(folder, args);
        assertEquals(Failure.USAGE, run.exitCode());
        assertEquals("moetier: " + sentence, run.err().strip());
    }

    private void fails(String sentence) {
        UncheckedIOException e = assertThrows(
                UncheckedIOException.class,
                () -> Peer.start(folder, MODEL, 1, 1).close());
        assertEquals(sentence, e.getMessage());
    }

    private String named() {
        return folder + " with " + MODEL;
    }

    private Path part(TinyGguf gguf, int number) throws IOException {
        return gguf.putWhole("split.no", number)
                .putWhole("split.count", 2)
                .write(folder.resolve("tiny-0000" + (number + 1) + "-of-00002.gguf"));
    }

    private void write(String script) throws IOException {
        Path program = Files.writeString(folder.resolve("peer"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
