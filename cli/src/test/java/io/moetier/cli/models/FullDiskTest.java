package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.ChildProcess;
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

    private static final List<String> NAMESPACE =
            List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c");

    @TempDir
    Path directory;

    @Test
    void aDiskThatIsTooSmallIsNamedWhereTestsMayMount() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        // A user who may not mount in a namespace of his own checks nothing here; the other test stands for this one.
        if (mayMount(disk)) {
            String sentence = failingImport(concat(NAMESPACE, List.of(SMALL_DISK, disk.toString())), disk);
            assertTrue(sentence.contains("not enough space") && sentence.contains(disk.toString()), sentence);
        }
    }

    /// Where nothing may be mounted, `RemedyTest` stands for this.
    @Test
    void aCacheWithoutRoomForTheTokenizerIsNamedWithWhatHelps() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        if (!mayMount(disk)) {
            return;
        }
        String store = directory.resolve("tiny.mtier").toString();
        CommandLineRun.inProcess(directory, "import", TestData.tinyMixtral().toString(), "--out", store);
        Path log = directory.resolve("log");
        String full = "mount -t tmpfs -o size=1m tmpfs \"$0\" && MOETIER_CACHE=\"$0/cache\" exec \"$@\"";
        int exitCode = CommandLineRun.await(
                log, concat(NAMESPACE, List.of(full, disk.toString())), "run", store, "Once", "-n", "1");
        String said = Files.readAllLines(log).getLast();
        assertEquals(1, exitCode, said);
        assertTrue(
                said.startsWith("moetier: cannot unpack the tokenizer library: " + disk + "/cache/tokenizers-"), said);
        assertTrue(said.endsWith("No space left on device; MOETIER_CACHE names another folder for the cache"), said);
    }

    @Test
    void aWriteThatFailsHalfWayIsNamed() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        String sentence = failingImport(List.of("sh", "-c", "ulimit -f 8192; exec \"$0\" \"$@\""), disk);
        assertTrue(sentence.contains(disk.toString()), sentence);
    }

    private String failingImport(List<String> launcher, Path disk) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        String target = disk.resolve("tiny.mtier").toString();
        int exitCode = CommandLineRun.await(
                log, launcher, "import", TestData.tinyMixtral().toString(), "--out", target);
        assertEquals(1, exitCode);
        List<String> said = Files.readAllLines(log).stream()
                .filter(line -> line.startsWith("moetier: ") || line.startsWith("left: "))
                .toList();
        assertEquals(1, said.size(), said::toString);
        try (var left = Files.list(disk)) {
            assertEquals(List.of(), left.toList());
        }
        return said.getFirst();
    }

    private static boolean mayMount(Path disk) throws IOException, InterruptedException {
        List<String> mount = List.of("mount -t tmpfs tmpfs \"$0\"", disk.toString());
        return ChildProcess.run(new ProcessBuilder(concat(NAMESPACE, mount))).exitCode() == 0;
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
