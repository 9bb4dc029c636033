package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.memory.KvCache;
import io.moetier.testdata.TestData;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Going back in models whose state cannot: whatever was computed before, a session gives the bits of a new one with
/// the same tokens.
class RecurrentSessionTest {
    private static final int BATCH = 8;
    private static final int[] TOKENS = tokens(21, 37);
    private static final int[] OTHERS = tokens(11, 53);

    static List<String> models() {
        return List.of(
                "deepseek_v4",
                "granitemoehybrid",
                "jamba",
                "kimi_linear",
                "lfm2_moe",
                "minimax",
                "nemotron_h_moe_latent",
                "qwen3_5_moe",
                "qwen3_next");
    }

    private static int[] tokens(int count, int step) {
        return IntStream.range(0, count).map(i -> (i * step + 11) % 300).toArray();
    }

    private static Engine open(String name) {
        return Engine.open(ImportedStores.of(TestData.golden(name)), EngineConfig.DEFAULT);
    }

    private static Session session(Engine engine) {
        return Session.open(engine, EngineConfig.DEFAULT.numerics().kv(), 64, BATCH);
    }

    /// Returns the logits after `tokens` in a new session.
    private static float[] fresh(Engine engine, int... tokens) {
        try (Session session = session(engine)) {
            session.prefill(tokens);
            return session.logits().clone();
        }
    }

    private static int[] joined(int[] first, int length, int[] second) {
        int[] joined = Arrays.copyOf(first, length + second.length);
        System.arraycopy(second, 0, joined, length, second.length);
        return joined;
    }

    @ParameterizedTest
    @MethodSource("models")
    void goingBackToAnyPositionForgetsWhatCameAfter(String name) {
        try (Engine engine = open(name)) {
            for (int position = 0; position <= TOKENS.length; position++) {
                try (Session session = session(engine)) {
                    session.prefill(TOKENS);
                    session.truncate(position);
                    session.prefill(OTHERS);
                    assertArrayEquals(fresh(engine, joined(TOKENS, position, OTHERS)), session.logits());
                    session.truncate(position);
                    session.decode(7);
                    assertArrayEquals(fresh(engine, joined(TOKENS, position, new int[] {7})), session.logits());
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aPromptGivenUpBeforeAnyLayerLeavesTheSessionAsItWas(String name) {
        try (Engine engine = open(name);
                Session session = session(engine)) {
            session.prefill(OTHERS);
            float[] expected = fresh(engine, joined(OTHERS, OTHERS.length, new int[] {7}));
            int passes =
                    Math.ceilDiv(TOKENS.length, BATCH) * engine.spec().layers().size();
            for (int layers = 0; layers < passes; layers++) {
                AtomicInteger left = new AtomicInteger(layers);
                assertFalse(session.prefill(TOKENS, () -> left.getAndDecrement() == 0));
                assertEquals(OTHERS.length, session.position());
                session.decode(7);
                assertArrayEquals(expected, session.logits(), "given up after " + layers + " layers");
                session.truncate(OTHERS.length);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void aTokenGivenUpBeforeAnyLayerLeavesTheSessionAsItWas(String name) {
        try (Engine engine = open(name);
                Session session = session(engine)) {
            session.prefill(OTHERS);
            float[] before = session.logits().clone();
            float[] expected = fresh(engine, joined(OTHERS, OTHERS.length, new int[] {7}));
            for (int layers = 0; layers < engine.spec().layers().size(); layers++) {
                AtomicInteger left = new AtomicInteger(layers);
                assertFalse(session.decode(9, () -> left.getAndDecrement() == 0));
                assertEquals(OTHERS.length, session.position());
                assertArrayEquals(before, session.logits());
                assertTrue(session.decode(7, () -> false));
                assertArrayEquals(expected, session.logits(), "given up after " + layers + " layers");
                session.truncate(OTHERS.length - 1);
                session.decode(OTHERS[OTHERS.length - 1]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void anySplitOfThePromptGivesTheSameBits(String name) {
        try (Engine engine = open(name)) {
            float[] expected = fresh(engine, TOKENS);
            for (int first = 1; first < TOKENS.length; first++) {
                try (Session session = session(engine)) {
                    session.prefill(Arrays.copyOf(TOKENS, first));
                    session.prefill(Arrays.copyOfRange(TOKENS, first, TOKENS.length));
                    assertArrayEquals(expected, session.logits());
                }
            }
        }
    }

    @Test
    void whatIsComputedAgainIsNotReportedAgain() {
        try (Engine engine = open("minimax");
                Session session = session(engine)) {
            session.prefill(TOKENS);
            session.truncate(TOKENS.length - 1);
            AtomicInteger reported = new AtomicInteger();
            session.listen((layer, pass, k, ids, weights, tiers) -> reported.addAndGet(pass.n()));
            session.decode(7);
            assertEquals(engine.spec().layers().size(), reported.get());
        }
    }

    @Test
    void memoryOfStatesIsConstantAndCounted() {
        try (Engine engine = open("minimax");
                Session session = session(engine)) {
            long states = session.memoryUse().keyValues();
            assertEquals(
                    KvCache.bytes(engine.spec(), EngineConfig.DEFAULT.numerics().kv(), 0), states);
            assertEquals(3L * 3 * 4 * 32 * 32 * Float.BYTES, states, "layers, copies, heads and their matrices");
            session.prefill(TOKENS);
            assertTrue(session.memoryUse().keyValues() > states);
        }
    }
}
