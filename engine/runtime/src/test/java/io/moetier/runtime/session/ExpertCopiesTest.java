package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Copies of experts in fewer bits, beside the model that they are of.
class ExpertCopiesTest {
    private static final int[] PROMPT =
            IntStream.range(0, 40).map(i -> 3 + 7 * i % 250).toArray();

    /// Sums of products in another order, in float32.
    private static final float ORDER = 1e-3f;

    private static final Path MODEL = ImportedStores.of(TestData.tinyMixtral());
    private static final Path COPIES = ImportedStores.of(TestData.tinyMixtral(), Quantisation.Q8_0);

    @Test
    void whatIsComputedExactlyIsTheSameBesideThem() {
        List<float[]> alone = logits(config(OptionalLong.empty(), Optional.empty()), _ -> {});
        for (OptionalLong ram : budgets()) {
            equal(alone, logits(config(ram, Optional.of(COPIES)), _ -> {}));
        }
    }

    /// How many there are in memory, and whether the expert is, changes no bit.
    @Test
    void theyComputeTheSameWhateverIsInMemory() {
        List<float[]> exact = logits(config(OptionalLong.empty(), Optional.of(COPIES)), _ -> {});
        List<float[]> copied = logits(
                config(OptionalLong.empty(), Optional.of(COPIES)),
                engine -> engine.loss().calibrateCopies(0.45, 1));
        assertFalse(Arrays.equals(exact.getLast(), copied.getLast()));
        for (OptionalLong ram : budgets()) {
            equal(
                    copied,
                    logits(
                            config(ram, Optional.of(COPIES)),
                            engine -> engine.loss().calibrateCopies(0.45, 1)));
        }
    }

    /// Of the tokens of a pass, some take the expert and some its copy.
    @Test
    void aPassComputesWhatItsTokensWouldOneByOne() {
        EngineConfig config = config(OptionalLong.empty(), Optional.of(COPIES));
        float[][] together = new float[PROMPT.length][];
        float[][] oneByOne = new float[PROMPT.length][];
        try (Engine engine = Engine.open(MODEL, config);
                Session session = engine.newSession()) {
            engine.loss().calibrateCopies(0.45, 1);
            session.prefill(PROMPT, (position, logits) -> together[position] = logits.clone());
            session.truncate(0);
            for (int i = 0; i < PROMPT.length; i++) {
                session.prefill(new int[] {PROMPT[i]});
                oneByOne[i] = session.logits().clone();
            }
            assertTrue(engine.loss().shareCopied() > 0.3 && engine.loss().shareCopied() < 0.7);
        }
        for (int i = 0; i < PROMPT.length; i++) {
            assertArrayEquals(oneByOne[i], together[i], ORDER, "position " + i);
        }
    }

    @Test
    void theLeastMemoryHasRoomForBoth() {
        long least = least();
        long ofModel;
        try (Engine engine = Engine.open(MODEL, EngineConfig.DEFAULT)) {
            ofModel = engine.minimumRamBytes();
        }
        assertTrue(least > ofModel);
        InvalidOptionException refused = assertThrows(
                InvalidOptionException.class,
                () -> Engine.open(MODEL, config(OptionalLong.of(least - 1), Optional.of(COPIES))));
        assertEquals("ramBytes", refused.field());
        assertTrue(
                String.valueOf(refused.getMessage())
                        .contains("for the top-k experts of one layer and their copies in fewer bits"),
                refused.getMessage());
    }

    private static List<OptionalLong> budgets() {
        long least = least();
        return List.of(OptionalLong.of(least), OptionalLong.of(2 * least), OptionalLong.of(100 * least));
    }

    private static long least() {
        try (Engine engine = Engine.open(MODEL, config(OptionalLong.empty(), Optional.of(COPIES)))) {
            return engine.minimumRamBytes();
        }
    }

    private static EngineConfig config(OptionalLong ramBytes, Optional<Path> copies) {
        EngineConfig config = EngineConfig.DEFAULT.withSelection(ExpertSelection.TRAINED.withCopies(copies));
        return ramBytes.isPresent() ? config.withRamBytes(ramBytes.getAsLong()) : config;
    }

    /// What is done to an engine before it computes.
    private interface Preparation {
        void prepare(Engine engine);
    }

    private static List<float[]> logits(EngineConfig config, Preparation preparation) {
        List<float[]> all = new ArrayList<>();
        try (Engine engine = Engine.open(MODEL, config);
                Session session = engine.newSession()) {
            preparation.prepare(engine);
            session.prefill(PROMPT);
            for (int i = 0; i < 12; i++) {
                all.add(session.logits().clone());
                session.decode(5 + 11 * i);
            }
        }
        return all;
    }

    private static void equal(List<float[]> expected, List<float[]> found) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i), "token " + i);
        }
    }
}
