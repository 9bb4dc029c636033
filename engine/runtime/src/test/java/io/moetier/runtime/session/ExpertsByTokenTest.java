package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/// Layers whose experts follow from the token, with fewer and more experts than the table has for it.
class ExpertsByTokenTest {
    private static final Path STORE = ImportedStores.of(TestData.golden("deepseek_v4"));
    private static final int LAST_TOKEN = 319;
    private static final int[] TOKENS = {5, 17, 200, LAST_TOKEN, 0};

    private static EngineConfig choosing(int experts) {
        return EngineConfig.DEFAULT.withSelection(new ExpertSelection(
                OptionalInt.of(experts), OptionalDouble.empty(), OptionalDouble.empty(), Optional.empty()));
    }

    private static int[] chosenInFirstLayer(EngineConfig config) {
        int[][] chosen = {new int[0]};
        try (Engine engine = Engine.open(STORE, config);
                Session session = engine.newSession()) {
            session.listen((layer, pass, k, ids, weights, tiers) -> {
                if (layer == 0) {
                    chosen[0] = Arrays.copyOf(ids, pass.n() * k);
                }
            });
            session.prefill(TOKENS);
        }
        return chosen[0];
    }

    /// Which of a token's experts comes first follows from the weights that logits give them.
    @Test
    void oneExpertIsOneOfTheTokensOwn() {
        int[] both = chosenInFirstLayer(choosing(2));
        int[] one = chosenInFirstLayer(choosing(1));
        assertArrayEquals(both, chosenInFirstLayer(EngineConfig.DEFAULT));
        assertEquals(TOKENS.length, one.length);
        for (int i = 0; i < one.length; i++) {
            int token = i;
            assertEquals(
                    1,
                    Arrays.stream(both, 2 * i, 2 * i + 2)
                            .filter(expert -> expert == one[token])
                            .count());
        }
    }

    @Test
    void moreThanTheTableHasAreRefused() {
        InvalidOptionException refused =
                assertThrows(InvalidOptionException.class, () -> Engine.open(STORE, choosing(3)));
        assertEquals(
                "the model has layers whose experts follow from the token, and they are 2, not 3",
                String.valueOf(refused.getMessage()).replaceFirst("^experts: ", ""));
    }
}
