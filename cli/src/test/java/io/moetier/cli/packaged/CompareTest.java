package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.QuickJvm;
import io.moetier.lab.synthetic.SyntheticModel;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Compares with a peer that takes no time: nothing is fetched.
class CompareTest {
    private static final int TOKENS = 8;

    @TempDir
    Path directory;

    @Test
    void bothAreMeasuredOnOneFile() throws IOException, InterruptedException {
        Path model = directory.resolve("model.gguf");
        SyntheticModel.main((model + " --layers 1 --experts 8 --vocabulary 1000").split(" "));
        Path peer = Files.writeString(
                directory.resolve("peer"),
                "#!/bin/sh\necho 'ready idle peer'\nwhile read -r line; do echo 'done 0.5'; done\n");
        Files.setPosixFilePermissions(peer, PosixFilePermissions.fromString("rwxr-xr-x"));
        JsonObject found = compare(model);
        assertEquals("idle peer", found.requireString("peer"));
        // one layer of attention and all eight experts, and the head, in blocks of 34 bytes; the router in f32
        long elements = 2048L * (4 * 2048 + 8 * 3 * 1024 + 1000);
        assertEquals(elements / 32 * 34 + 8 * 2048 * 4, found.requireLong("token_bytes"));
        assertTrue(found.requireObject("read_bytes_per_second").requireDouble("least") > 0);
        assertTrue(found.requireObject("pass_bytes_per_second").requireDouble("least") > 0);
        for (String test : new String[] {"prompt", "generation"}) {
            JsonObject figures = found.requireObject(test);
            assertEquals(2, figures.requireInt("repetitions"));
            assertEquals(
                    2 * TOKENS, figures.requireObject("peer_tokens_per_second").requireDouble("median"));
            double own = figures.requireObject("tokens_per_second").requireDouble("median");
            assertEquals(own / (2 * TOKENS), figures.requireDouble("ratio"), 1e-9);
        }
        assertTrue(found.requireObject("generation").requireDouble("token_bandwidth_share") > 0);
    }

    /// In a process of its own, as `tools/bench/compare` does it.
    private JsonObject compare(Path model) throws IOException, InterruptedException {
        Path out = directory.resolve("out.json");
        Path launcher = TestData.root().toAbsolutePath().resolveSibling("moetier");
        ProcessBuilder builder = new ProcessBuilder(
                        launcher.toString(),
                        "bench",
                        model.toString(),
                        "--compare",
                        "--peer",
                        directory.toString(),
                        "--json",
                        "-p",
                        "" + TOKENS,
                        "-n",
                        "" + TOKENS,
                        "-r",
                        "2",
                        "--warm-up=0")
                .redirectOutput(out.toFile())
                .redirectError(directory.resolve("err").toFile());
        builder.environment().put("MOETIER_CACHE", directory.resolve("cache").toString());
        builder.environment().put("MOETIER_JAVA_OPTS", String.join(" ", QuickJvm.OPTIONS));
        try (ChildProcess child = ChildProcess.start(builder)) {
            assertEquals(0, child.waitFor(), () -> read(directory.resolve("err")));
        }
        return Json.readObject(out);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
