package io.moetier.runtime.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Modality;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A row holds what the token of the same line says, or fails in the same words.
class TokenRowTest {
    private static final String HEADER = """
            {"format":"moe-trace/1","model":"m","layers":2,"experts":40,"top_k":2,"fewer_experts":true,"moe_layer_indices":[1,3],"tokens":3,"requests":2}
            """;
    private static final String TOKENS = """
            {"r":0,"t":5,"p":"decode","s":3,"e":[[31,1],[]],"w":[[0.75,0.25],[]],"h":[["disk","host"],[]]}
            {"r":0,"t":6,"p":"decode","e":[[31],[7]],"w":[[0.75],[0.5]],"h":[["disk"],["host"]]}
            {"r":7,"t":0,"p":"prefill","m":"image","e":[[3,12],[39,0]],"w":[[1,2.5e-3],[0.1234567,0.0]]}
            """;

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"gpt-oss-20b_misc_small", "deepseek-v2-lite_esft-translation_small"})
    void everyTokenOfATrace(String name) {
        assertEquals("", difference(TestData.trace(name)));
    }

    @Test
    void otherSpellings() throws IOException {
        assertEquals("", difference(write(HEADER + TOKENS)));
        assertEquals(
                "", difference(write("\n" + HEADER + TOKENS.replace(":", " : ").replace(",", " , ") + "\n\n")));
        assertEquals("", difference(write(HEADER + TOKENS.replace("{", "{\"other\":{\"e\":[]},"))));
        assertEquals("", difference(write(HEADER + TOKENS.replace("\"s\"", "\"s\":null,\"h\":null,\"x\""))));
    }

    @Test
    void aKeyThatComesTwiceIsRefused() throws IOException {
        for (String key : List.of("\"r\":0", "\"t\":5", "\"p\":\"decode\"", "\"w\":[[0.75,0.25],[]]")) {
            assertEquals("", difference(write(HEADER + TOKENS.replaceFirst(Pattern.quote(key), key + "," + key))));
        }
    }

    @Test
    void aLineLongerThanTheBuffer() throws IOException {
        String notes = "\"notes\":\"" + "long ".repeat(200_000) + "\",";
        assertEquals("", difference(write(HEADER.replace("{", "{" + notes) + TOKENS.replace("{", "{" + notes))));
    }

    @Test
    void plainLinesNeedNoTree() throws IOException {
        try (TraceReader reader = TraceReader.open(write(HEADER + TOKENS))) {
            byte[] line = TOKENS.substring(0, TOKENS.indexOf('\n')).getBytes(StandardCharsets.UTF_8);
            TokenRow row = new TokenRow(reader.header());
            assertTrue(new PlainLine(reader.header()).read(line, 0, line.length, row));
            assertEquals(3, row.step());
            byte[] shorter = TOKENS.lines().toList().get(1).getBytes(StandardCharsets.UTF_8);
            assertTrue(new PlainLine(reader.header()).read(shorter, 0, shorter.length, row));
            assertFalse(new PlainLine(reader.header()).read(line, 0, line.length - 1, row));
            byte[] image =
                    TOKENS.lines().toList().get(2).replace("2.5e-3", "0.5").getBytes(StandardCharsets.UTF_8);
            assertTrue(new PlainLine(reader.header()).read(image, 0, image.length, row));
            assertEquals(Modality.IMAGE, row.modality());
            assertTrue(new PlainLine(reader.header()).read(line, 0, line.length, row));
            assertEquals(Modality.TEXT, row.modality());
        }
    }

    @Test
    void mutatedLines() throws IOException {
        byte[] good = (HEADER + TOKENS).getBytes(StandardCharsets.UTF_8);
        Random random = new Random(20261126);
        for (int i = 0; i < 500; i++) {
            byte[] bad = good.clone();
            bad[HEADER.length() + random.nextInt(TOKENS.length())] = (byte) (32 + random.nextInt(95));
            assertEquals(
                    "",
                    difference(write(new String(bad, StandardCharsets.UTF_8))),
                    () -> new String(bad, StandardCharsets.UTF_8));
        }
    }

    /// Returns where the two ways of reading differ.
    private static String difference(Path file) {
        try (TraceReader tokens = TraceReader.open(file);
                TraceReader rows = TraceReader.open(file)) {
            TokenRow row = new TokenRow(rows.header());
            while (true) {
                String expected = text(nextOf(tokens));
                String found = text(nextOf(rows, row));
                if (!expected.equals(found)) {
                    return expected + " is not " + found;
                }
                if (expected.startsWith("end") || expected.startsWith("failed")) {
                    return "";
                }
            }
        }
    }

    private static Object nextOf(TraceReader reader) {
        try {
            TraceToken token = reader.next();
            return token == null ? "end" : token;
        } catch (MalformedModelException e) {
            return "failed: " + e.getMessage();
        }
    }

    private static Object nextOf(TraceReader reader, TokenRow row) {
        try {
            return reader.read(row) ? row : "end";
        } catch (MalformedModelException e) {
            return "failed: " + e.getMessage();
        }
    }

    private static String text(Object token) {
        return switch (token) {
            case TraceToken t ->
                text(
                        t.request(),
                        t.position(),
                        t.step().orElse(TokenRow.NO_STEP),
                        t.phase() + " " + t.modality(),
                        t.experts(),
                        t.weights().orElse(new float[0][]));
            case TokenRow r -> {
                int[][] experts = new int[r.layers][];
                float[][] weights = new float[r.hasWeights() ? r.layers : 0][];
                for (int layer = 0; layer < r.layers; layer++) {
                    int from = layer * r.topK;
                    int to = from + r.numChosen(layer);
                    experts[layer] = Arrays.copyOfRange(r.experts(), from, to);
                    if (r.hasWeights()) {
                        weights[layer] = Arrays.copyOfRange(r.weights(), from, to);
                    }
                }
                yield text(r.request(), r.position(), r.step(), r.phase() + " " + r.modality(), experts, weights);
            }
            default -> token.toString();
        };
    }

    private static String text(int request, int position, int step, Object phase, int[][] experts, float[][] weights) {
        return request + " " + position + " " + step + " " + phase + " " + Arrays.deepToString(experts) + " "
                + Arrays.deepToString(weights);
    }

    private Path write(String lines) throws IOException {
        Path file = dir.resolve("trace.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(lines.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }
}
