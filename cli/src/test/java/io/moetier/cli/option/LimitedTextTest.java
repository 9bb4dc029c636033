package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LimitedTextTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final LimitedText LIMITED = new LimitedText(1);

    @TempDir
    Path directory = Path.of("");

    @Test
    void whatNeverEndsIsRefused() {
        IOException refused = assertThrows(IOException.class, () -> LIMITED.read(Path.of("/dev/zero")));
        assertEquals("/dev/zero: too long, expected at most 1 MiB of text", refused.getMessage());
    }

    @Test
    void asMuchAsIsAllowedIsRead() throws IOException {
        assertEquals(MEBIBYTE, LIMITED.read(new ByteArrayInputStream(new byte[MEBIBYTE]), "x").length);
        assertEquals(MEBIBYTE, LIMITED.read(sparse(MEBIBYTE)).length);
        assertThrows(IOException.class, () -> LIMITED.read(new ByteArrayInputStream(new byte[MEBIBYTE + 1]), "x"));
        assertThrows(IOException.class, () -> LIMITED.read(sparse(MEBIBYTE + 1)));
    }

    @Test
    void textsOfCommandsAreLimited() throws IOException {
        String model = TestData.tinyMixtral().toString();
        String file = sparse(3L << 30).toString(); // more than an array holds
        refused(file + ": too long, expected at most 256 MiB of text", "run", model, "-f", file);
        refused(file + ": too long, expected at most 256 MiB of text", "run", model, "--ids-file", file);
        refused(file + ": too long, expected at most 1024 MiB of text", "perplexity", model, "--file", file);
        refused(file + ": too long, expected at most 256 MiB of text", "tune", model, "--prompts", file);
    }

    @Test
    void otherBytesAreNamedAsSuch() throws IOException {
        Path file = Files.write(directory.resolve("latin1"), new byte[] {'a', (byte) 0xE9, 'b'});
        String model = TestData.tinyMixtral().toString();
        refused(file + ": expected UTF-8 text, found other bytes", "run", model, "-f", file.toString());
        refused(file + ": expected UTF-8 text, found other bytes", "tune", model, "--prompts", file.toString());
    }

    @Test
    void aDashIsNotStandardInput() {
        String model = TestData.tinyMixtral().toString();
        refused("-: no such file; standard input is /dev/stdin", "run", model, "-f", "-");
        refused("-: no such file; standard input is /dev/stdin", "perplexity", model, "--file", "-");
    }

    private void refused(String sentence, String... args) {
        CommandLineRun run = CommandLineRun.inProcess(directory, args);
        assertEquals("moetier: " + sentence + "\n", run.err());
        assertEquals(Failure.FAILED, run.exitCode());
    }

    private Path sparse(long size) throws IOException {
        Path file = directory.resolve("text");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(size);
        }
        return file;
    }
}
