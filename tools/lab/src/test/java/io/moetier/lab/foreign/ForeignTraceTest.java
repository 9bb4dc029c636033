package io.moetier.lab.foreign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForeignTraceTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void routeTracesKeepWeightsAndTiers() {
        RoutingTrace trace = convert(sample("small.route.csv"));
        TraceHeader header = trace.header();
        assertEquals("small moe-Q4_K_M.gguf", header.model());
        assertEquals(4, header.experts());
        assertEquals(2, header.topK());
        assertEquals(List.of(1, 2), header.moeLayerIndices());
        assertEquals(6, header.tokens());
        assertEquals(2, header.contents().requests());
        assertEquals("", header.origin().notes());
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], []] [[0.75, 0.25], []] [[DISK, DISK], []]",
                        "0 1 prefill [[3, 0], []] [[0.625, 0.375], []] [[HOST, DISK], []]",
                        "0 2 prefill [[2, 1], [0, 2]] [[0.5, 0.5], [0.875, 0.125]] [[DISK, HOST], [DISK, DISK]]",
                        "0 3 decode [[1, 3], [0, 1]] [[0.5625, 0.4375], [0.5, 0.5]] [[HOST, HOST], [HOST, HOST]]",
                        "0 4 decode [[1, 2], [3, 0]] - [[HOST, HOST], [DISK, HOST]]",
                        "1 5 prefill [[2, 0], [1, 3]] [[0.9375, 0.0625], [0.75, 0.25]] [[HOST, HOST], [HOST, HOST]]"),
                lines(trace));
        assertFalse(header.contents().hasWeights());
    }

    @Test
    void promptsOfLlamaMoeTraceEndAtMinusOne() {
        RoutingTrace trace = convert(sample("small.moe-trace.csv"));
        assertEquals("small.moe-trace.csv", trace.header().model());
        assertEquals(4, trace.header().experts());
        assertEquals(List.of(1, 2), trace.header().moeLayerIndices());
        assertEquals(
                "experts: up to the highest one that was chosen",
                trace.header().origin().notes());
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], []] - -",
                        "0 1 prefill [[3, 0], []] - -",
                        "0 2 prefill [[2, 1], [0, 2]] - -",
                        "0 3 decode [[1, 3], [0, 1]] - -",
                        "0 4 decode [[1, 2], [3, 0]] - -",
                        "1 0 prefill [[2, 0], [1, 3]] - -"),
                lines(trace));
    }

    /// Each batch counts towards -1 of its own.
    @Test
    void aPromptOfSeveralBatchesIsOneRequest() throws IOException {
        RoutingTrace trace = convert(write("-2,0,1\n-1,0,2\n-2,1,3\n-1,1,0\n-2,0,0\n-1,0,1\n-1,1,2\n0,0,2\n0,1,1\n"));
        assertEquals(
                List.of(
                        "0 0 prefill [[1], [3]] - -",
                        "0 1 prefill [[2], [0]] - -",
                        "0 2 prefill [[0], []] - -",
                        "0 3 prefill [[1], [2]] - -",
                        "0 4 decode [[2], [1]] - -"),
                lines(trace));
    }

    @Test
    void arraysLeaveOutWhatWasNotRecorded() {
        List<String> lines = lines(convert(sample("routed_experts.npy"), 2));
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], []] - -",
                        "0 1 prefill [[3, 0], [0, 2]] - -",
                        "0 2 decode [[2, 1], [0, 1]] - -",
                        "0 3 decode [[1, 3], [3, 0]] - -"),
                lines);
    }

    @Test
    void archivesHoldARequestInEachArray() {
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], []] - -",
                        "0 1 prefill [[3, 0], [0, 2]] - -",
                        "0 2 decode [[2, 1], [0, 1]] - -",
                        "0 3 decode [[1, 3], [3, 0]] - -",
                        "1 0 decode [[0, 1], [2, 3]] - -"),
                lines(convert(sample("routed_experts.npz"))));
    }

    @Test
    void archivesWithoutAPromptOfTheirOwnSplitEachArray() throws IOException {
        byte[] array = Files.readAllBytes(sample("routed_experts.npy"));
        Path file = zip(Map.of("routed_experts.npy", array, "logits.npy", new byte[3]));
        assertEquals(lines(convert(sample("routed_experts.npy"), 2)), lines(convert(file, 2)));
    }

    @Test
    void responsesWithListsCountThePromptOnce() {
        RoutingTrace trace = convert(sample("vllm-0.21.json"));
        assertEquals("small-moe", trace.header().model());
        assertEquals(List.of(1, 2), trace.header().moeLayerIndices());
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], []] - -",
                        "0 1 prefill [[3, 0], [0, 2]] - -",
                        "0 2 decode [[2, 1], [0, 1]] - -",
                        "0 3 decode [[1, 3], [3, 0]] - -",
                        "1 0 decode [[0, 1], [2, 3]] - -"),
                lines(trace));
    }

    @Test
    void responsesWithArraysSayWhereThePromptEnds() {
        assertEquals(
                List.of(
                        "0 0 prefill [[3, 1], [1, 2]] - -",
                        "0 1 prefill [[3, 0], [0, 2]] - -",
                        "0 2 decode [[2, 1], [0, 1]] - -",
                        "0 3 decode [[1, 3], [3, 0]] - -",
                        "1 0 prefill [[3, 1], [1, 2]] - -",
                        "1 1 prefill [[3, 0], [0, 2]] - -",
                        "1 2 decode [[2, 1], [0, 1]] - -",
                        "2 0 decode [[1, 3], [3, 0]] - -"),
                lines(convert(sample("vllm.jsonl"))));
    }

    @Test
    void whatIsSaidCountsMoreThanWhatIsFound() {
        TraceConversion conversion =
                new TraceConversion(ForeignFormat.LLAMA_MOE_TRACE, Optional.of("other"), OptionalInt.of(64), 0);
        Path out = directory.resolve("t");
        assertEquals(6, conversion.convert(sample("small.moe-trace.csv"), out));
        TraceHeader header = RoutingTrace.read(out).header();
        assertEquals("other", header.model());
        assertEquals(64, header.experts());
        assertEquals("", header.origin().notes());
    }

    @Nested
    class Errors {
        @Test
        void areLeftWithoutAFile() throws IOException {
            Path file = write("-1,0,1\n0,0,1,2\n");
            assertThrows(MalformedModelException.class, () -> convert(file));
            try (Stream<Path> left = Files.list(directory)) {
                assertEquals(List.of(file), left.toList());
            }
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "0,0,1,1| line 1: ids: expected distinct experts from 0 to 65535, found 1,1",
                    "0,0,1;0,1,1,2| line 2: columns: expected 3, pos,layer,id0,…, found 4",
                    "0,0,1;0,0,2| line 2: pos: expected another token than 0 in layer 0, found it again",
                    "0,0,1;0,x,2| line 2: layer: expected an integer, found 'x'",
                    "0,0,1;0,-1,2| line 2: layer: expected a number from 0 to 32767, found -1",
                    "0,0,1;0,32768,2| line 2: layer: expected a number from 0 to 32767, found 32768",
                    "0,0,1;0,1,70000| line 2: ids: expected distinct experts from 0 to 65535, found 70000"
                })
        void ofLlamaMoeTraceNameTheLine(String text, String expected) throws IOException {
            failsWith(expected, write(text.replace(';', '\n')));
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "# route_trace v1|# route_trace v2"
                            + "| line 1: version: expected '# route_trace v1', found '# route_trace v2'",
                    "turn,phase|turn,phrase| line 6: columns: expected turn,phase,step,layer,slot,expert,"
                            + " found 'turn,phrase,step,layer,slot,expert,weight,residency,expert_bytes,dropped'",
                    "0,0,0,1,1,1|0,0,0,1,1,4| line 8: expert: expected a number from 0 to 3, found 4",
                    "0,0,0,1,1,1|0,0,0,1,1,3| line 8: expert: expected distinct experts of a layer, found [3, 3]",
                    "0,0,0,1,1,1|0,0,0,1,0,1| line 8: slot: expected 1, found 0",
                    "0,0,0,1,1,1|0,2,0,1,1,1| line 8: phase: expected 0 as in the row of slot 0, found 2",
                    "0.25,0|0.25,3| line 8: residency: expected a number from 0 to 2, found 3",
                    "n_expert=4|n_expert=0| line 2: n_expert: expected a number from 1, found"
                            + " '# model=/models/small moe-Q4_K_M.gguf arch=qwen3moe n_layer=3 n_expert=0 n_expert_used=2'",
                    "0.75,|1e99,| line 7: weight: expected a number or nan, found '1e99'",
                    "0.75,|heavy,| line 7: weight: expected a number or nan, found 'heavy'"
                })
        void ofRouteTracesNameTheLine(String part, String changed, String expected) throws IOException {
            String text = Files.readString(sample("small.route.csv"));
            int at = text.indexOf(part);
            failsWith(expected, write(text.substring(0, at) + changed + text.substring(at + part.length())));
        }

        @Test
        void ofTurnsThatComeBackNameTheLine() throws IOException {
            String text = Files.readString(sample("small.route.csv")).replaceAll("(?m)^0,0,1,", "1,0,1,");
            failsWith("line 11: turn: expected turns one after another, found 0 again after 1", write(text));
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "'<i2'|'>i2'|: descr: expected little-endian integers such as '<i2', found '>i2'",
                    "'<i2'|'<f2'|: descr: expected little-endian integers such as '<i2', found '<f2'",
                    "'<i2'|'<i4'|: data: expected 96 bytes, as shape and descr say, found 48",
                    "(4, 3, 2)|(4, 6)   |: shape: expected (tokens, layers, k), found (4, 6)",
                    "(4, 3, 2)|(5, 3, 2)|: data: expected 60 bytes, as shape and descr say, found 48",
                    "False|True |: fortran_order: expected False, found True",
                    "shape|shade|: shape: expected a value in the header, found"
                            + " '{'descr': '<i2', 'fortran_order': False, 'shade': (4, 3, 2), }'"
                })
        void ofArraysNameTheField(String part, String changed, String expected) throws IOException {
            String bytes = Files.readString(sample("routed_experts.npy"), StandardCharsets.ISO_8859_1);
            Path file = directory.resolve("in");
            Files.writeString(file, bytes.replace(part, changed), StandardCharsets.ISO_8859_1);
            failsWith(expected, file);
        }

        @Test
        void ofArraysOfMoreLayersThanATraceHas() throws IOException {
            String header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 70000, 1), }\n";
            byte[] bytes = new byte[10 + header.length() + 70_000];
            ByteBuffer.wrap(bytes)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put("\u0093NUMPY\u0001\u0000".getBytes(StandardCharsets.ISO_8859_1))
                    .putShort((short) header.length())
                    .put(header.getBytes(StandardCharsets.US_ASCII));
            failsWith(": trace header: layers cannot be 70000", Files.write(directory.resolve("in"), bytes));
        }

        @Test
        void ofArraysThatAreCutOff() throws IOException {
            byte[] bytes = Files.readAllBytes(sample("routed_experts.npy"));
            Path file = Files.write(directory.resolve("in"), Arrays.copyOf(bytes, 8));
            failsWith(": expected an array of NumPy, found 8 bytes", file);
            Files.write(file, Arrays.copyOf(bytes, 100));
            failsWith(": header length: expected at most 90, found 118", file);
            Files.write(file, Arrays.copyOf(bytes, 150));
            failsWith(": data: expected 48 bytes, as shape and descr say, found 22", file);
        }

        @Test
        void ofArchivesNameTheArray() throws IOException {
            failsWith(": arrays: expected one named routed_experts, found none", zip(Map.of()));
            failsWith(
                    ": arrays: expected one named routed_experts, found logits.npy",
                    zip(Map.of("logits.npy", new byte[3])));
            failsWith(
                    "routed_experts.npy: expected an array of NumPy, found 3 bytes",
                    zip(Map.of("routed_experts.npy", new byte[3])));
            failsWith(
                    "routed_experts .npy: expected an array of NumPy, found 3 bytes",
                    zip(Map.of("routed_experts\u0000.npy", new byte[3])));
        }

        @Test
        void ofArchivesThatAreDamaged() throws IOException {
            byte[] bytes = Files.readAllBytes(sample("routed_experts.npz"));
            Path cut = Files.write(directory.resolve("in"), Arrays.copyOf(bytes, bytes.length / 2));
            String message = String.valueOf(assertThrows(MalformedModelException.class, () -> convert(cut))
                    .getMessage());
            assertTrue(
                    message.startsWith(cut + ": expected a zip file of NumPy arrays, found a damaged one: "), message);
            byte[] array = Files.readAllBytes(sample("routed_experts.npy"));
            Path file = zip(Map.of("routed_experts.npy", array));
            byte[] changed = Files.readAllBytes(file);
            changed[new String(changed, StandardCharsets.ISO_8859_1).indexOf("(4, 3, 2)") + 1] = '5';
            Files.write(file, changed);
            String found = String.valueOf(assertThrows(MalformedModelException.class, () -> convert(file))
                    .getMessage());
            assertTrue(found.startsWith(file + " routed_experts.npy: checksum: expected "), found);
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "{\"choices\":[{\"routed_experts\":7}]}"
                            + "| line 1: choices[0].routed_experts: expected lists or a string, found 7",
                    "{\"choices\":[{\"routed_experts\":\"?\"}]}"
                            + "| line 1: choices[0].routed_experts: expected a string in Base64, found '?'",
                    "{\"choices\":[{\"routed_experts\":[[[1,2]],[[1]]]}]}"
                            + "| line 1: choices[0].routed_experts[1][0]: expected a list of 2, found one of 1",
                    "{\"choices\":[{\"routed_experts\":[[[1,1]]]}]}"
                            + "| line 1 choices[0].routed_experts: [0, 0]: expected distinct experts from 0 to 65535,"
                            + " found [1, 1]",
                    "{\"choices\":[{\"routed_experts\":null}]}|: expected tokens that chose experts, found none"
                })
        void ofResponsesNameTheField(String text, String expected) throws IOException {
            failsWith(expected, write(text));
        }

        @Test
        void ofFilesThatAreNone() throws IOException {
            Path file = write("pos,layer\n");
            failsWith(
                    ": expected one of route_trace, llama-moe-trace, vllm, found a file that begins like none of them",
                    file);
            Path trace = TestData.trace("gpt-oss-20b_misc_small");
            assertEquals(
                    trace + ": expected one of route_trace, llama-moe-trace, vllm, found gzip, as traces of format"
                            + " moe-trace/1 have",
                    assertThrows(MalformedModelException.class, () -> ForeignFormat.of(trace))
                            .getMessage());
        }

        private void failsWith(String expected, Path file) {
            String message = assertThrows(MalformedModelException.class, () -> convert(file))
                    .getMessage();
            String blank = expected.startsWith(":") ? "" : " "; // before the line, which @CsvSource strips
            assertEquals(file + blank + expected, message);
        }
    }

    private RoutingTrace convert(Path in) {
        return convert(in, 0);
    }

    private RoutingTrace convert(Path in, int promptTokens) {
        Path out = directory.resolve("t.jsonl.gz");
        new TraceConversion(ForeignFormat.of(in), Optional.empty(), OptionalInt.empty(), promptTokens).convert(in, out);
        return RoutingTrace.read(out);
    }

    private Path write(String text) throws IOException {
        return Files.writeString(directory.resolve("in"), text);
    }

    /// Writes a zip file that stores its entries as they are.
    private Path zip(Map<String, byte[]> entries) throws IOException {
        Path file = directory.resolve("in");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
            out.setLevel(Deflater.NO_COMPRESSION);
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey()));
                out.write(entry.getValue());
            }
        }
        return file;
    }

    private static Path sample(String name) {
        return TestData.root().resolve("traces/foreign").resolve(name);
    }

    private static List<String> lines(RoutingTrace trace) {
        return trace.tokens().stream().map(ForeignTraceTest::line).toList();
    }

    private static String line(TraceToken token) {
        return token.request() + " " + token.position() + " " + token.phase().label() + " "
                + Arrays.deepToString(token.experts()) + " "
                + token.weights().map(Arrays::deepToString).orElse("-") + " "
                + token.tiers().map(Arrays::deepToString).orElse("-");
    }
}
