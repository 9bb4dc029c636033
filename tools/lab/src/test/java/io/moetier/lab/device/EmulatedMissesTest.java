package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.device.ActivationType;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Experts that the GPU lacks are computed by the processor: nothing but rounding may tell.
@Timeout(600)
class EmulatedMissesTest {
    private static final double MOST_DIVERGENCE = 1e-5;
    private static final int[] TEXT = {5, 9, 20, 33, 7, 41, 12, 3, 8, 30, 2};
    private static final int PROMPT = 9;

    @TempDir
    static Path directory = Path.of("");

    private static Path store(String name) {
        return EmulatedEngines.store(directory, TestData.golden(name));
    }

    /// Returns the logits after each token of the text: of the first ones together, of the others one by one.
    private static float[] logits(Engine engine) {
        int vocabSize = engine.spec().vocabSize();
        try (Session session = engine.newSession()) {
            float[] all = new float[TEXT.length * vocabSize];
            float[] ofPrompt = EmulatedEngines.logits(session, Arrays.copyOf(TEXT, PROMPT), vocabSize);
            System.arraycopy(ofPrompt, 0, all, 0, ofPrompt.length);
            for (int i = PROMPT; i < TEXT.length; i++) {
                session.decode(TEXT[i]);
                System.arraycopy(session.logits(), 0, all, i * vocabSize, vocabSize);
            }
            return all;
        }
    }

    private static float[] logits(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config)) {
            return logits(engine);
        }
    }

    /// Checks that two runs give nearly the same distributions after every token, and the same likeliest tokens.
    private static void requireAlike(float[] expected, float[] found) {
        int vocabSize = expected.length / TEXT.length;
        for (int row = 0; row < TEXT.length; row++) {
            double divergence = divergence(expected, found, row * vocabSize, vocabSize);
            assertTrue(divergence <= MOST_DIVERGENCE, () -> "a divergence of " + divergence);
            assertEquals(
                    EmulatedEngines.likeliest(expected, row, vocabSize),
                    EmulatedEngines.likeliest(found, row, vocabSize));
        }
    }

    /// Returns the Kullback-Leibler divergence of two rows of logits.
    private static double divergence(float[] expected, float[] found, int from, int n) {
        double sumOfExpected = sumOfExponentials(expected, from, n);
        double sumOfFound = sumOfExponentials(found, from, n);
        double divergence = 0;
        for (int i = from; i < from + n; i++) {
            double p = Math.exp(expected[i]) / sumOfExpected;
            divergence += p * (Math.log(p) - found[i] + Math.log(sumOfFound));
        }
        return divergence;
    }

    private static double sumOfExponentials(float[] logits, int from, int n) {
        double sum = 0;
        for (int i = from; i < from + n; i++) {
            sum += Math.exp(logits[i]);
        }
        return sum;
    }

    /// Biases and an activation of their own, inputs that are weighted, shared experts.
    @ParameterizedTest
    @CsvSource({"mixtral, CPU", "gpt_oss, AUTO", "llama4_scout, CPU"})
    void onlyRoundingTellsWhereAnExpertWasComputed(String name, Misses misses) {
        requireRoundingAlone(store(name), misses, ActivationType.F32);
    }

    /// The processor's kernels round activations to eight bits for such weights, elsewhere.
    @ParameterizedTest
    @EnumSource(ActivationType.class)
    void neitherDoQuantisedWeights(ActivationType activations) {
        Path store = directory.resolve(activations + ".mtier");
        EmulatedEngines.writeStore(TestData.golden("mixtral"), Quantisation.Q8_0, store);
        requireRoundingAlone(store, Misses.CPU, activations);
    }

    private static void requireRoundingAlone(Path store, Misses misses, ActivationType activations) {
        EngineConfig all = EmulatedEngines.config(EmulatedOptions.DEFAULT, activations);
        float[] expected = logits(store, all);
        EngineConfig least = EmulatedEngines.least(store, all.withMisses(misses));
        long minimum = least.memory().vramBytes().getFirst();
        long slots = 2 * least.memory().ramBytes().orElseThrow();
        for (EngineConfig config : List.of(least, least.withVramBytes(minimum + slots))) {
            try (Engine engine = Engine.open(store, config)) {
                requireAlike(expected, logits(engine));
                assertTrue(engine.stats().computedOnHost() > 0);
                while (engine.stats().copiedBytes() == 0) {
                    // what was computed elsewhere is copied for later, once loaders get a processor between two layers
                    requireAlike(expected, logits(engine));
                }
            }
        }
    }

    /// Among what comes back from the device and what goes there are now the activations of the processor's experts.
    @ParameterizedTest
    @CsvSource({"cuMemcpyHtoDAsync, UNKNOWN", "cuMemcpyDtoHAsync, UNKNOWN"})
    void aCallThatFailsOnceIsToldAndForgotten(String function, CudaStatus status) throws IOException {
        Path store = store("mixtral");
        EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT).withMisses(Misses.CPU);
        EngineConfig least = EmulatedEngines.least(store, config);
        float[] expected = logits(store, least);
        int failures = 0;
        for (int call = 1; ; call += call) {
            InjectedFault fault = InjectedFault.once(function, call, status);
            try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withFaults(fault))) {
                boolean failed = fails(store, least.withDevice(() -> EmulatedEngines.open(driver)), expected);
                assertEquals(List.of(), driver.leaks().leaks(), fault::toString);
                failures += failed ? 1 : 0;
                if (driver.calls().count(function) < call) {
                    break;
                }
            }
        }
        assertTrue(failures >= 3, function + " failed " + failures + " times");
    }

    private static boolean fails(Path store, EngineConfig config, float[] expected) {
        try (Engine engine = Engine.open(store, config)) {
            boolean failed = false;
            try {
                requireAlike(expected, logits(engine));
            } catch (CudaException e) {
                failed = true;
            }
            requireAlike(expected, logits(engine));
            return failed;
        } catch (CudaException e) {
            return true;
        }
    }
}
