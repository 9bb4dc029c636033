package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    @TempDir
    Path directory = Path.of("");

    /// Where a stream is redirected to a file, its name looks like one, and putting a file in its place would take it
    /// from every process of the machine.
    @Test
    void aStreamIsRefusedAlsoWhereItIsAFile() throws IOException {
        Path file = directory.resolve("file");
        try (FileChannel open = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                Stream<Path> streams = Files.list(Path.of("/proc/self/fd"))) {
            assertEquals(0, open.size());
            String number = streams.filter(stream -> leadsTo(file, stream))
                    .map(stream -> String.valueOf(stream.getFileName()))
                    .findFirst()
                    .orElseThrow();
            for (String name : List.of("/proc/self/fd/" + number, "/dev/fd/" + number, "/dev/stdout")) {
                IllegalArgumentException refusal = assertThrows(
                        IllegalArgumentException.class, () -> OutputFile.check(Path.of(name), "--out"), name);
                assertEquals("--out: expected a file, found the device or pipe " + name, refusal.getMessage());
            }
        }
    }

    private static boolean leadsTo(Path file, Path stream) {
        try {
            return Files.isSameFile(file, stream);
        } catch (IOException e) {
            return false; // closed meanwhile, or a pipe
        }
    }
}
