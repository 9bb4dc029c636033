package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Multi-token prediction, against logits and router choices that were composed of the reference's layers.
class MtpTest {
    /// As of the model's own logits.
    private static final double TOLERANCE = 1e-4;

    private static final Path GOLDEN = TestData.golden("qwen3_5_moe_mtp");
    private static final int LAYER = 3;
    private static final EngineConfig CONFIG =
            EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32);

    @TempDir
    static Path directory = Path.of("");

    private static Path store = Path.of("");
    private static GoldenCase golden = GoldenCase.read(GOLDEN, "mtp_logits");

    @BeforeAll
    static void importModel() {
        store = directory.resolve("mtp.mtier");
        try (ModelSource source = ModelSource.openWithMtp(GOLDEN)) {
            assertEquals(0, source.numGuessingTensors());
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
    }

    static List<KernelChoice> kernels() {
        return KernelChoice.present();
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void logitsAndRoutingAreTheReferences(KernelChoice kernels) {
        List<List<Integer>> routed = new ArrayList<>();
        try (Engine engine = Engine.open(store, CONFIG.withKernels(kernels));
                Session session = engine.newSession()) {
            session.listen((layer, pass, k, ids, weights, tiers) -> {
                for (int i = 0; layer == LAYER && i < pass.n(); i++) {
                    routed.add(IntStream.range(i * k, (i + 1) * k)
                            .mapToObj(at -> ids[at])
                            .toList());
                }
            });
            assertArrayEquals(golden.logits(), logits(session, golden.inputIds()), (float) TOLERANCE);
        }
        assertEquals(
                Json.readObject(GOLDEN.resolve("reference.json"))
                        .requireObject("mtp_router")
                        .asMap()
                        .get("expert_ids"),
                routed);
    }

    @Test
    void theSmallestBudgetGivesTheSameBits() {
        try (Engine all = Engine.open(store, CONFIG);
                Engine least = Engine.open(store, CONFIG.withThreads(1).withRamBytes(all.minimumRamBytes()));
                Session ofAll = all.newSession();
                Session ofLeast = least.newSession()) {
            assertArrayEquals(logits(ofAll, golden.inputIds()), logits(ofLeast, golden.inputIds()));
        }
    }

    /// The layer reads what it has kept of the passes before.
    @Test
    void aTextOfSeveralPassesBeginsLikeAShorterOne() {
        int[] prompt = golden.inputIds();
        int[] text = IntStream.range(0, Engine.BATCH + 40)
                .map(i -> prompt[i % prompt.length])
                .toArray();
        try (Engine engine = Engine.open(store, CONFIG);
                Session one = engine.newSession();
                Session other = engine.newSession()) {
            float[] expected = logits(one, text);
            int shorter = Engine.BATCH + 7;
            float[] found = logits(other, Arrays.copyOf(text, shorter));
            assertEquals((shorter - 1) * engine.spec().vocabSize(), found.length);
            assertArrayEquals(Arrays.copyOf(expected, found.length), found);
            assertArrayEquals(golden.logits(), Arrays.copyOf(found, golden.logits().length), (float) TOLERANCE);
        }
    }

    /// And what it gives by itself, and what is traced of it, are those of a store without the layer.
    @Test
    void theModelBesideTheLayerIsTheSame() {
        try (Engine with = Engine.open(store, CONFIG);
                Engine without = Engine.open(ImportedStores.of(GOLDEN), CONFIG);
                Session one = with.newSession();
                Session other = without.newSession()) {
            assertEquals(LAYER + 1, with.spec().layers().size());
            assertEquals(without.spec(), with.spec().withoutMtp());
            assertFalse(without.spec().mtp().isPresent());
            one.prefill(golden.inputIds());
            other.prefill(golden.inputIds());
            one.decode(7);
            other.decode(7);
            assertArrayEquals(other.logits(), one.logits());
            assertEquals(SessionTrace.header("m", without.spec(), "w"), SessionTrace.header("m", with.spec(), "w"));
        }
    }

    @Test
    void whatCannotBeIsRefusedBySentence() {
        try (Engine without = Engine.open(ImportedStores.of(GOLDEN), CONFIG);
                Session session = without.newSession()) {
            assertEquals(
                    "qwen3_5_moe has no layer for multi-token prediction",
                    assertThrows(IllegalStateException.class, () -> logits(session, 1, 2))
                            .getMessage());
            RunStats stats = without.counters().snapshot();
            assertEquals(0, stats.expertHits() + stats.expertMisses(), "before anything is computed");
        }
        try (Engine engine = Engine.open(store, CONFIG);
                Session session = engine.newSession()) {
            assertEquals(
                    "multi-token prediction needs two tokens, found one",
                    assertThrows(IllegalArgumentException.class, () -> logits(session, 1))
                            .getMessage());
            IllegalArgumentException failure = new IllegalArgumentException("enough");
            assertEquals(
                    failure,
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> session.predictFurther(new int[] {1, 2, 3}, (_, _) -> {
                                throw failure;
                            })));
            assertEquals(0, session.position());
            float[] _ = logits(session, 1, 2);
            assertEquals(
                    "multi-token prediction leaves no logits after the last token",
                    assertThrows(IllegalStateException.class, session::logits).getMessage());
            session.truncate(0);
            session.decode(1);
            assertEquals(
                    "multi-token prediction begins with a text, and reads no images",
                    assertThrows(IllegalStateException.class, () -> logits(session, 1, 2))
                            .getMessage());
        }
        Path other = TestData.golden("qwen3_5_moe");
        assertEquals(
                other + " has no layer for multi-token prediction (MTP) of a kind that is computed",
                assertThrows(IllegalArgumentException.class, () -> ModelSource.openWithMtp(other))
                        .getMessage());
        assertEquals(
                "layers for multi-token prediction (MTP) are read from checkpoints; a.gguf is a GGUF file",
                assertThrows(IllegalArgumentException.class, () -> ModelSource.openWithMtp(Path.of("a.gguf")))
                        .getMessage());
    }

    private static float[] logits(Session session, int... text) {
        List<float[]> rows = new ArrayList<>();
        session.predictFurther(text, (position, logits) -> {
            assertEquals(rows.size(), position);
            rows.add(logits.clone());
        });
        int size = rows.getFirst().length;
        float[] all = new float[rows.size() * size];
        for (int i = 0; i < rows.size(); i++) {
            System.arraycopy(rows.get(i), 0, all, i * size, size);
        }
        return all;
    }
}
