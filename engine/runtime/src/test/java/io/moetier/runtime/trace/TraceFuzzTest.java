package io.moetier.runtime.trace;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any trace is read or refused by name, and the two ways of reading agree.
public final class TraceFuzzTest {
    private static final Path FILE = Path.of("fuzzed.jsonl.gz");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(TraceFuzzTest.class, 3_000);
    }

    /// Reads a file of these bytes, which are compressed first unless they begin as if they were.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        boolean compressed = bytes.length > 1 && bytes[0] == 0x1f && bytes[1] == (byte) 0x8b;
        Fuzzing.write(FILE, compressed ? bytes : compress(bytes));
        List<String> tokens = new ArrayList<>();
        List<String> rows = new ArrayList<>();
        Assertions.assertEquals(refusal(() -> readTokens(tokens)), refusal(() -> readRows(rows)));
        Assertions.assertEquals(tokens, rows);
    }

    private static byte[] compress(byte[] bytes) throws IOException {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(compressed)) {
            out.write(bytes);
        }
        return compressed.toByteArray();
    }

    private static String refusal(Runnable reading) {
        try {
            reading.run();
            return "";
        } catch (MalformedModelException e) {
            String message = String.valueOf(e.getMessage());
            Assertions.assertTrue(message.startsWith(FILE.toString()), message);
            return message;
        }
    }

    private static void readTokens(List<String> tokens) {
        try (TraceReader reader = TraceReader.open(FILE)) {
            TokenRow row = new TokenRow(reader.header());
            for (TraceToken token = reader.next(); token != null; token = reader.next()) {
                row.set(token);
                tokens.add(text(row));
            }
        }
    }

    private static void readRows(List<String> rows) {
        try (TraceReader reader = TraceReader.open(FILE)) {
            TokenRow row = new TokenRow(reader.header());
            while (reader.read(row)) {
                rows.add(text(row));
            }
        }
    }

    private static String text(TokenRow row) {
        return row.request() + " " + row.position() + " " + row.step() + " " + row.phase() + " " + row.modality()
                + Arrays.toString(row.experts()) + (row.hasWeights() ? Arrays.toString(row.weights()) : "");
    }
}
