package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.CostCounting;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.lab.device.simulated.SimulatedGpu;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Where only time is a GPU's, it is that of the GPU whose instructions are emulated.
class SimulatedGpuTest {
    /// Of virtual time. Launches, copies and waits are the same; what attention and norms compute is counted on the one
    /// side and estimated on the other.
    private static final double TOLERANCE = 0.02;

    private static final double TOLERANCE_OF_PROMPT = 0.1;

    private static final int[] PROMPT = {1, 5, 9, 20, 33};
    private static final int[] ANSWER = {7, 3, 12, 40, 8, 2, 77, 31};
    private static final GpuProfile GPU = GpuProfile.of("rtx3060").orElseThrow();

    @TempDir
    static Path directory = Path.of("");

    private static Path store = Path.of("");

    /// What was counted for the prompt, and what decoding the answer took.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Answer(RunStats ofPrompt, double nanos, long launches, RunStats stats, float[] logits) {}

    @BeforeAll
    static void makeStore() {
        store = EmulatedEngines.store(directory, TestData.golden("mixtral"));
    }

    private static SimulatedGpu simulated() {
        return new SimulatedGpu(GPU, 1, KernelChoice.PLAIN, Optional.empty(), ActivationType.F32);
    }

    private static EngineConfig config(VirtualDevice device) {
        return EngineConfig.DEFAULT.withContextLength(64).withDevice(device);
    }

    private static Answer answer(VirtualDevice device, EngineConfig config) {
        try (Engine engine = Engine.open(store, config);
                Session session = engine.newSession()) {
            session.prefill(PROMPT);
            RunStats ofPrompt = engine.stats();
            session.decode(ANSWER[0]);
            double start = device.virtualNanos();
            long launches = launches(device);
            RunStats before = engine.stats();
            for (int token : ANSWER) {
                session.decode(token);
            }
            return new Answer(
                    ofPrompt,
                    device.virtualNanos() - start,
                    launches(device) - launches,
                    engine.stats().minus(before),
                    session.logits().clone());
        }
    }

    private static long launches(VirtualDevice device) {
        return device instanceof EmulatedCuda emulated
                ? emulated.driver().calls().count("cuLaunchKernel")
                : ((SimulatedGpu) device).launches();
    }

    private static Answer onSimulated(boolean least) {
        SimulatedGpu gpu = simulated();
        EngineConfig config = config(gpu);
        return answer(gpu, least ? EmulatedEngines.least(store, config) : config);
    }

    private static Answer onEmulated(boolean least) {
        EmulatedCuda gpu = new EmulatedCuda(EmulatedOptions.DEFAULT, Optional.empty(), true, ActivationType.F32);
        EngineConfig config = config(gpu);
        return answer(gpu, least ? EmulatedEngines.least(store, config) : config);
    }

    @Test
    void needsAsMuchMemoryAsTheEmulatedOne() {
        EmulatedCuda emulated = new EmulatedCuda(EmulatedOptions.DEFAULT, Optional.empty(), true, ActivationType.F32);
        EngineConfig ofEmulated = EmulatedEngines.least(store, config(emulated));
        EngineConfig ofSimulated = EmulatedEngines.least(store, config(simulated()));
        assertEquals(ofEmulated.memory().vramBytes(), ofSimulated.memory().vramBytes());
    }

    @Test
    void takesTheTimeOfTheEmulatedOneWhereAllExpertsFit() {
        Answer emulated = onEmulated(false);
        Answer simulated = onSimulated(false);
        assertEquals(emulated.launches(), simulated.launches());
        assertEquals(1, simulated.nanos() / emulated.nanos(), TOLERANCE);
    }

    @Test
    void takesTheTimeOfTheEmulatedOneWhereNearlyNoneFits() {
        Answer emulated = onEmulated(true);
        Answer simulated = onSimulated(true);
        assertEquals(emulated.stats().expertMisses(), simulated.stats().expertMisses());
        assertTrue(simulated.stats().expertMisses() > 0);
        assertEquals(emulated.launches(), simulated.launches());
        assertEquals(1, simulated.nanos() / emulated.nanos(), TOLERANCE);
    }

    /// Loaders bring the next layer's experts while the computation waits for kernels.
    @Test
    void aPromptLoadsTheNextLayerAheadAsOnTheEmulatedOne() {
        RunStats emulated = onEmulated(true).ofPrompt();
        RunStats simulated = onSimulated(true).ofPrompt();
        assertTrue(simulated.prefetchHits() > 0);
        assertEquals(emulated.prefetchHits(), simulated.prefetchHits());
        assertEquals(emulated.expertMisses(), simulated.expertMisses());
    }

    /// The model has one layer with experts, of which loaders can know before it is routed only by how many tokens
    /// come.
    @Test
    void onlyALongPromptLoadsItsFirstLayerAhead() {
        Path one = EmulatedEngines.store(directory, TestData.golden("deepseek_v2"));
        assertEquals(0, ofPrompt(one, 15).prefetches());
        assertTrue(ofPrompt(one, 16).prefetches() > 0);
    }

    private static RunStats ofPrompt(Path store, int numTokens) {
        try (Engine engine = Engine.open(store, config(simulated()));
                Session session = engine.newSession()) {
            session.prefill(IntStream.rangeClosed(1, numTokens).toArray());
            return engine.stats();
        }
    }

    /// The launches are the same; what attention and operations on tokens take is estimated.
    @ParameterizedTest
    @EnumSource(
            value = Rounding.class,
            names = {"Q8_0", "Q4_0"})
    void roundsAPromptInTheTimeOfTheEmulatedOne(Rounding weights) {
        Path rounded = directory.resolve(weights + ".mtier");
        EmulatedEngines.writeStore(TestData.golden("mixtral"), Quantisation.of(weights), rounded);
        EmulatedCuda emulated = new EmulatedCuda(
                EmulatedOptions.DEFAULT.withCounting(CostCounting.ALWAYS), Optional.empty(), true, ActivationType.Q8);
        SimulatedGpu simulated = new SimulatedGpu(GPU, 1, KernelChoice.PLAIN, Optional.empty(), ActivationType.Q8);
        Prompt expected = prompt(rounded, emulated);
        Prompt found = prompt(rounded, simulated);
        assertEquals(expected.launches, found.launches);
        assertEquals(1, found.nanos / expected.nanos, TOLERANCE_OF_PROMPT);
        Prompt exact = prompt(rounded, simulated());
        assertTrue(exact.launches < found.launches);
    }

    /// What a prompt took.
    private record Prompt(double nanos, long launches) {}

    private static Prompt prompt(Path store, VirtualDevice device) {
        int[] tokens = IntStream.range(1, 41).toArray();
        try (Engine engine = Engine.open(store, config(device));
                Session session = engine.newSession()) {
            session.prefill(tokens);
            session.truncate(0);
            double start = device.virtualNanos();
            long launches = launches(device);
            session.prefill(tokens);
            return new Prompt(device.virtualNanos() - start, launches(device) - launches);
        }
    }

    /// The processor's part takes what it is said to, however long it took.
    @Test
    void whatTheProcessorComputesTakesTheSameTimeAgain() {
        Answer first = onSimulatedWithProcessor();
        Answer second = onSimulatedWithProcessor();
        assertTrue(first.stats().computedOnHost() > 0);
        assertEquals(first.stats().computedOnHost(), second.stats().computedOnHost());
        assertEquals(first.nanos(), second.nanos(), 1e-3);
    }

    private static Answer onSimulatedWithProcessor() {
        SimulatedGpu gpu = simulated();
        return answer(gpu, EmulatedEngines.least(store, config(gpu).withMisses(Misses.AUTO)));
    }

    /// Threads and their scheduling have no part in it.
    @Test
    void takesTheSameTimeAgainAndComputesTheSameWithAnyBudget() {
        Answer first = onSimulated(true);
        Answer second = onSimulated(true);
        Answer all = onSimulated(false);
        assertEquals(first.nanos(), second.nanos(), 1e-3);
        assertArrayEquals(all.logits(), first.logits());
        assertTrue(first.nanos() > all.nanos());
    }
}
