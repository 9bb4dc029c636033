package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An import for which the disk has no room says so in one sentence and leaves nothing behind.
class FullDiskTest {
    /// Runs the rest of the command line with a disk of 8 MiB at $0, then lists what is left on it.
    private static final String SMALL_DISK =
            "mount -t tmpfs -o size=8m tmpfs \"$0\" && { \"$@\"; code=$?; ls -A \"$0\" | sed 's/^/left: /'; exit $code; }";

    @TempDir
    Path directory;

    @Test
    void aFullDiskIsNamedAndNothingIsLeft() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        List<String> namespace = List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c");
        boolean canMount =
                new ProcessBuilder(concat(namespace, List.of("mount -t tmpfs tmpfs \"$0\"", disk.toString())))
                                .start()
                                .waitFor()
                        == 0;
        // where a user may not mount, a limit on the size of a file stops the import as well
        List<String> launcher = canMount
                ? concat(namespace, List.of(SMALL_DISK, disk.toString()))
                : List.of("sh", "-c", "ulimit -f 8192; exec \"$0\" \"$@\"");
        Path log = directory.resolve("log");
        Process process = CommandLineRun.start(
                log,
                launcher,
                "import",
                TestData.tinyMixtral().toString(),
                "--out",
                disk.resolve("tiny.mtier").toString());
        assertEquals(1, process.waitFor());
        List<String> said = Files.readAllLines(log).stream()
                .filter(line -> line.startsWith("moetier: ") || line.startsWith("left: "))
                .toList();
        assertEquals(1, said.size(), () -> said.toString());
        assertTrue(said.getFirst().contains(canMount ? "space" : "tiny.mtier"), said::getFirst);
        assertTrue(said.getFirst().contains(disk.toString()), said::getFirst);
        try (var left = Files.list(disk)) {
            assertEquals(List.of(), left.toList());
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
