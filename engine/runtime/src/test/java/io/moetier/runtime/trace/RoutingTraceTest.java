package io.moetier.runtime.trace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntToLongFunction;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingTraceTest {
    private static final String HEADER = """
            {"format":"moe-trace/1","model":"m","layers":2,"experts":4,"top_k":2,"moe_layer_indices":[1,3],"tokens":1,"requests":1}
            """;
    private static final String TOKEN = """
            {"r":0,"t":5,"p":"decode","e":[[3,1],[]],"w":[[0.75,0.25],[]],"h":[["disk","host"],[]],"unknown":{}}
            """;

    @TempDir
    Path dir;

    @Test
    void readsGptOss() {
        RoutingTrace trace = RoutingTrace.read(TestData.trace("gpt-oss-20b_misc_small"));
        assertEquals(24, trace.header().layers());
        assertEquals(32, trace.header().experts());
        assertEquals(4, trace.header().topK());
        assertEquals(1461, trace.tokens().size());
        TraceToken first = trace.tokens().getFirst();
        assertEquals(101, first.position());
        assertEquals(Phase.DECODE, first.phase());
        assertArrayEquals(new int[] {31, 21, 22, 6}, first.experts()[0]);
        assertEquals(4, first.weights().orElseThrow()[23].length);
        assertTrue(first.tiers().isEmpty());
    }

    @Test
    void readsDeepSeek() {
        RoutingTrace trace = RoutingTrace.read(TestData.trace("deepseek-v2-lite_esft-translation_small"));
        assertEquals(26, trace.header().layers());
        assertEquals(1441, trace.tokens().size());
        assertEquals(1, trace.header().moeLayerIndices().getFirst());
        assertEquals(Phase.PREFILL, trace.tokens().getFirst().phase());
    }

    @Test
    void theCensusCountsEveryChoice() {
        RoutingTrace trace = RoutingTrace.read(TestData.trace("deepseek-v2-lite_esft-translation_small"));
        long[][] census = trace.census();
        long sum = Stream.of(census).flatMapToLong(Arrays::stream).sum();
        assertEquals(1441L * 26 * 6, sum);
        assertEquals(census[0][57], trace.censusById().applyAsLong(ExpertId.pack(1, 57)));
        assertEquals(0, trace.censusById().applyAsLong(ExpertId.pack(0, 57)));
        assertEquals(0, trace.censusById().applyAsLong(ExpertId.pack(1, 64)));
    }

    @Test
    void theCensusIsTheSameWithoutTheTokensInMemory() throws IOException {
        List<Path> files = List.of(
                TestData.trace("gpt-oss-20b_misc_small"),
                TestData.trace("deepseek-v2-lite_esft-translation_small"),
                write(HEADER + TOKEN));
        for (Path file : files) {
            RoutingTrace trace = RoutingTrace.read(file);
            IntToLongFunction expected = trace.censusById();
            IntToLongFunction counted = TraceCensus.read(file).byId();
            int layers = trace.header().moeLayerIndices().getLast() + 2;
            for (int layer = 0; layer < layers; layer++) {
                for (int expert = 0; expert <= trace.header().experts(); expert++) {
                    int id = ExpertId.pack(layer, expert);
                    assertEquals(expected.applyAsLong(id), counted.applyAsLong(id));
                }
            }
        }
    }

    @Nested
    class Lines {
        @Test
        void knowTiersWeightsAndLayersThatWereNotRecorded() throws IOException {
            TraceToken token = RoutingTrace.read(write(HEADER + TOKEN)).tokens().getFirst();
            assertEquals(5, token.position());
            assertArrayEquals(new int[][] {{3, 1}, {}}, token.experts());
            assertArrayEquals(
                    new float[][] {{0.75f, 0.25f}, {}}, token.weights().orElseThrow());
            assertArrayEquals(
                    new Tier[][] {{Tier.DISK, Tier.HOST}, {}}, token.tiers().orElseThrow());
        }

        @Test
        void blankOnesArePassedOverWhicheverWayTheyEnd() throws IOException {
            for (String end : List.of("\n", "\r\n")) {
                String lines = (HEADER + "\n" + TOKEN + "\n\n").replace("\n", end);
                assertEquals(1, RoutingTrace.read(write(lines)).tokens().size());
            }
        }

        @Test
        void errorsNameFileLineAndField() throws IOException {
            assertError(
                    HEADER + TOKEN.replace("[3,1]", "[3,4]"),
                    " line 2: e[0]: expected distinct experts from 0 to 3, found [3, 4]");
            assertError(
                    HEADER + TOKEN.replace("[3,1]", "[3,3]"),
                    " line 2: e[0]: expected distinct experts from 0 to 3, found [3, 3]");
            assertError(
                    HEADER + TOKEN.replace("[3,1]", "[3,1,0]"), " line 2: e[0]: expected a list of 2, found one of 3");
            assertError(HEADER + TOKEN.replace("[3,1]", "[3]"), " line 2: e[0]: expected a list of 2, found one of 1");
            assertError(
                    HEADER + TOKEN.replace("[3,1],[]", "[3,1]"), " line 2: e: expected a list of 2, found one of 1");
            assertError(HEADER + TOKEN.replace("0.75,", ""), " line 2: w[0]: expected a list of 2, found one of 1");
            assertError(
                    HEADER + TOKEN.replace("0.75", "1e999"),
                    " line 2: w[0]: expected finite numbers of 32 bits, found [Infinity,");
            assertError(
                    HEADER + TOKEN.replace("0.75", "-1e39"),
                    " line 2: w[0]: expected finite numbers of 32 bits, found [-1.0E39,");
            assertError(
                    HEADER.replace("\"layers\":2", "\"layers\":1e999"),
                    " line 1: layers: expected a finite number of 64 bits, found Infinity");
            assertError(
                    HEADER + TOKEN.replace("disk", "tape"),
                    " line 2: h[0]: expected device, host, disk or node, found tape");
            assertError(
                    HEADER + TOKEN.replace("decode", "encode"), " line 2: p: expected prefill or decode, found encode");
            assertError(
                    HEADER + TOKEN.replace("\"t\":5", "\"t\":-5"), " line 2: t: expected a number from 0, found -5");
            assertError(
                    HEADER + TOKEN.replace("\"e\"", "\"m\":\"sound\",\"e\""),
                    " line 2: m: expected text or image, found sound");
            assertError(
                    HEADER.replace("\"layers\":2", "\"layers\":2,\"image_tokens\":9"),
                    " line 1: image_tokens: expected at most 1, as there are tokens, found 9");
            assertError(HEADER + TOKEN + "{", " line 3: not a JSON object");
            assertError(HEADER, ": tokens: expected 1 as the header says, found 0");
        }

        @Test
        void areOfRequestsOneAfterAnother() throws IOException {
            String back = TOKEN + TOKEN.replace("\"r\":0", "\"r\":1") + TOKEN;
            Path file = write(HEADER.replace("\"tokens\":1,\"requests\":1", "\"tokens\":3,\"requests\":2") + back);
            String reason = " line 4: r: expected requests one after another, found 0 again after 1";
            assertFailure(file, reason);
            try (TraceReader reader = TraceReader.open(file)) {
                TokenRow row = new TokenRow(reader.header());
                assertTrue(reader.read(row));
                assertTrue(reader.read(row));
                MalformedModelException e = assertThrows(MalformedModelException.class, () -> reader.read(row));
                assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
            }
            Path out = dir.resolve("out.jsonl.gz");
            try (TraceRecorder recorder = new TraceRecorder(out, TraceHeader.of("tiny", 8, 2, List.of(0), ""))) {
                recorder.record(ofRequest(0));
                recorder.record(ofRequest(1));
                recorder.record(ofRequest(1));
                assertThrows(IllegalArgumentException.class, () -> recorder.record(ofRequest(0)));
            }
        }

        private TraceToken ofRequest(int request) {
            int[][] experts = {{1, 2}};
            return new TraceToken(request, 0, Phase.DECODE, experts, Optional.empty(), Optional.empty());
        }

        @Test
        void errorsOfTheHeaderNameTheField() throws IOException {
            assertError("", ": empty, expected a trace of format moe-trace/1");
            assertError(
                    HEADER.replace("trace/1", "trace/2"), " line 1: format: expected moe-trace/1, found moe-trace/2");
            assertError(
                    HEADER.replace("\"experts\":4", "\"experts\":0"),
                    " line 1: experts: expected a number from 1 to 65536, found 0");
            assertError(
                    HEADER.replace("\"top_k\":2", "\"top_k\":5"),
                    " line 1: top_k: expected a number from 1 to 4, found 5");
            assertError(HEADER.replace("[1,3]", "[1]"), " line 1: moe_layer_indices: expected 2 integers, found 1");
            assertError(
                    HEADER.replace("[1,3]", "[3,1]"),
                    " line 1: moe_layer_indices: expected rising layer numbers, found [3, 1]");
        }

        @Test
        void otherFilesAreRefused() throws IOException {
            assertFailure(dir.resolve("absent.jsonl.gz"), "absent.jsonl.gz: no such file");
            Path text = Files.writeString(dir.resolve("text"), HEADER + TOKEN);
            assertFailure(text, "text: not a gzip file");
            byte[] whole = Files.readAllBytes(write(HEADER + TOKEN.repeat(1)));
            Path cut = Files.write(dir.resolve("cut"), Arrays.copyOf(whole, whole.length - 30));
            assertFailure(cut, ": the gzip data is damaged or cut off");
        }

        @Test
        void mutatedFilesNeverFailOtherwise() throws IOException {
            byte[] good = (HEADER + TOKEN).getBytes(StandardCharsets.UTF_8);
            Random random = new Random(20261125);
            for (int i = 0; i < 500; i++) {
                byte[] bad = good.clone();
                bad[random.nextInt(bad.length)] = (byte) (32 + random.nextInt(95));
                Path file = dir.resolve("mutated");
                try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
                    out.write(bad);
                }
                try {
                    RoutingTrace.read(file);
                } catch (MalformedModelException e) {
                    assertTrue(String.valueOf(e.getMessage()).startsWith(file.toString()), e::toString);
                }
            }
        }
    }

    @Nested
    class Recording {
        private Path file = Path.of("");

        @BeforeEach
        void chooseFile() {
            file = dir.resolve("out.jsonl.gz");
        }

        @Test
        void isReadBackAsItWas() {
            RoutingTrace original = RoutingTrace.read(TestData.trace("gpt-oss-20b_misc_small"));
            try (TraceRecorder recorder = new TraceRecorder(file, original.header())) {
                original.tokens().forEach(recorder::record);
                assertFalse(Files.exists(file));
                recorder.finish();
                assertThrows(IllegalStateException.class, recorder::finish);
            }
            RoutingTrace copy = RoutingTrace.read(file);
            assertEquals(original.header(), copy.header());
            for (int i = 0; i < original.tokens().size(); i++) {
                TraceToken a = original.tokens().get(i);
                TraceToken b = copy.tokens().get(i);
                assertEquals(a.request(), b.request());
                assertEquals(a.position(), b.position());
                assertArrayEquals(a.experts(), b.experts());
                assertArrayEquals(a.weights().orElseThrow(), b.weights().orElseThrow());
            }
            assertOnlyFile();
        }

        @Test
        void isWrittenAsTheFormatSays() throws IOException {
            TraceHeader header = TraceHeader.of("tiny", 8, 2, List.of(0, 1), "a test");
            try (TraceRecorder recorder = new TraceRecorder(file, header)) {
                recorder.record(new TraceToken(
                        0,
                        0,
                        Phase.PREFILL,
                        new int[][] {{1, 2}, {7, 0}},
                        Optional.of(new float[][] {{0.5f, 0.25f}, {0.75f, 0.125f}}),
                        Optional.of(new Tier[][] {{Tier.DISK, Tier.HOST}, {Tier.NODE, Tier.DEVICE}})));
                recorder.record(new TraceToken(
                                0, 1, Phase.PREFILL, new int[][] {{1, 2}, {7, 0}}, Optional.empty(), Optional.empty())
                        .of(Modality.IMAGE));
                recorder.finish();
            }
            try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(file)))) {
                assertEquals("""
                        {"format":"moe-trace/1","model":"tiny","layers":2,"experts":8,"top_k":2,"moe_layer_indices":[0,1],\
                        "source":"recorded by moetier","licence":"","workload":"a test","tokens":2,"image_tokens":1,\
                        "requests":1,"has_weights":false,"weights_note":"","notes":""}
                        {"r":0,"t":0,"p":"prefill","e":[[1,2],[7,0]],"w":[[0.5,0.25],[0.75,0.125]],\
                        "h":[["disk","host"],["node","device"]]}
                        {"r":0,"t":1,"p":"prefill","m":"image","e":[[1,2],[7,0]]}
                        """, new String(in.readAllBytes(), StandardCharsets.UTF_8));
            }
        }

        @Test
        void thatIsNotFinishedLeavesTheOldFileAlone() throws IOException {
            Files.writeString(file, "old");
            try (TraceRecorder recorder = new TraceRecorder(file, TraceHeader.of("tiny", 8, 2, List.of(0), ""))) {
                recorder.record(
                        new TraceToken(0, 0, Phase.DECODE, new int[][] {{1, 2}}, Optional.empty(), Optional.empty()));
                assertThrows(
                        IllegalArgumentException.class,
                        () -> recorder.record(
                                new TraceToken(0, 1, Phase.DECODE, new int[0][], Optional.empty(), Optional.empty())));
            }
            assertEquals("old", Files.readString(file));
            assertOnlyFile();
        }

        private void assertOnlyFile() {
            try (Stream<Path> files = Files.list(dir)) {
                assertEquals(List.of(file), files.toList());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private Path write(String lines) throws IOException {
        Path file = dir.resolve("trace.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(lines.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private void assertError(String lines, String message) throws IOException {
        assertFailure(write(lines), message);
    }

    private static void assertFailure(Path file, String message) {
        var error = assertThrows(MalformedModelException.class, () -> RoutingTrace.read(file));
        assertTrue(String.valueOf(error.getMessage()).contains(message), error::toString);
    }
}
