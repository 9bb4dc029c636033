package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.device.ActivationType;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What must not change a bit: how much memory a GPU has for experts, and in which order it does what it may.
class EmulatedBudgetsTest {
    private static final int SEEDS = 40;
    private static final int STEPS = 2;
    private static final int[] PROMPT = {5, 9, 20, 33, 7, 41, 12, 3};

    @TempDir
    static Path directory = Path.of("");

    private static Path store(String name) {
        return EmulatedEngines.store(directory, TestData.golden(name));
    }

    private static int[] bits(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config)) {
            return EmulatedEngines.bits(engine, PROMPT, STEPS);
        }
    }

    @Tag("gpu")
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "gpt_oss", "deepseek_v2_lite", "qwen3_next"})
    void everyBudgetGivesTheSameBits(String name) {
        requireSameBits(store(name), EmulatedEngines.config(EmulatedOptions.DEFAULT));
    }

    private static int[] requireSameBits(Path store, EngineConfig all) {
        EngineConfig least = EmulatedEngines.least(store, all);
        int[] expected = bits(store, all);
        assertArrayEquals(expected, bits(store, least));
        long minimum = least.memory().vramBytes().getFirst();
        long slots = 3 * least.memory().ramBytes().orElseThrow(); // beside the least
        assertArrayEquals(
                expected,
                bits(
                        store,
                        least.withVramBytes(minimum + slots)
                                .withPolicy("lfu", Optional.empty())
                                .withPrefetch(PrefetchChoice.ON)));
        return expected;
    }

    /// A prompt is rounded in the same way, whichever of its experts are computed together. A pack for machines with a
    /// GPU has no checkpoint to import with other weights.
    @ParameterizedTest
    @EnumSource(
            value = Rounding.class,
            names = {"Q8_0", "Q4_0"})
    void everyBudgetGivesTheSameBitsWhereActivationsAreRounded(Rounding weights) {
        Path rounded = directory.resolve(weights + ".mtier");
        EmulatedEngines.writeStore(TestData.golden("mixtral"), Quantisation.of(weights), rounded);
        int[] bits = requireSameBits(rounded, EmulatedEngines.config(EmulatedOptions.DEFAULT, ActivationType.Q8));
        assertFalse(Arrays.equals(bits(rounded, EmulatedEngines.config(EmulatedOptions.DEFAULT)), bits));
    }

    @ParameterizedTest
    @EnumSource(ActivationType.class)
    void theBudgetIsKept(ActivationType activations) {
        Path store = store("mixtral");
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT, activations));
        EmulatedCuda emulated = (EmulatedCuda) least.compute().device().orElseThrow();
        long budget = least.memory().vramBytes().getFirst();
        try (Engine engine = Engine.open(store, least)) {
            int[] _ = EmulatedEngines.bits(engine, PROMPT, STEPS);
            long used = emulated.driver().usedBytes(0);
            assertTrue(used <= budget, () -> used + " of " + budget);
        }
        EngineConfig less = least.withVramBytes(budget - 1);
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class, () -> Engine.open(store, less).close());
        assertTrue(
                String.valueOf(refused.getMessage()).contains(String.format(Locale.ROOT, "at least %,d", budget)),
                () -> String.valueOf(refused.getMessage()));
    }

    /// The longest input is as long as the model allows, whatever the output's context.
    @ParameterizedTest
    @ValueSource(strings = {"switch_transformers", "nllb_moe"})
    void theBudgetIsKeptWhileAnEncoderReads(String name) {
        Path store = store(name);
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT));
        EmulatedCuda emulated = (EmulatedCuda) least.compute().device().orElseThrow();
        long budget = least.memory().vramBytes().getFirst();
        long[] used = new long[1];
        try (Engine engine = Engine.open(store, least);
                Session session = engine.newSession()) {
            assertFalse(session.prompt(new int[engine.longestPrompt()], () -> {
                used[0] = emulated.driver().usedBytes(0);
                return true; // before the first layer, when all is allocated
            }));
        }
        assertTrue(used[0] > 0 && used[0] <= budget, () -> used[0] + " of " + budget);
    }

    /// Commands of different streams run in any order that events allow.
    @Test
    void everyOrderOfCommandsGivesTheSameBits() {
        Path store = store("mixtral");
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT));
        int[] expected = bits(store, least);
        for (long seed = 1; seed <= SEEDS; seed++) {
            EmulatedCuda device = new EmulatedCuda(EmulatedOptions.DEFAULT.withSeed(seed), Optional.empty());
            assertArrayEquals(expected, bits(store, least.withDevice(device)), "seed " + seed);
        }
    }

    /// The test above would fail if copies did not wait for the kernels that read a slot.
    @Test
    void someOrderShowsThatAWaitIsMissing() {
        Path store = store("mixtral");
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT));
        int[] expected = bits(store, least);
        long wrong = IntStream.rangeClosed(1, SEEDS)
                .mapToObj(seed -> new ForgetfulCuda(EmulatedOptions.DEFAULT.withSeed(seed)))
                .map(device -> bits(store, least.withDevice(device)))
                .filter(bits -> !Arrays.equals(expected, bits))
                .limit(1)
                .count();
        assertEquals(1, wrong);
    }
}
