package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.offload.TransferScheduler;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// Experts that are divided over several GPUs: not a bit may tell.
class EmulatedDevicesTest {
    private static final int STEPS = 2;
    private static final int SEEDS = 4;
    private static final int[] PROMPT = {5, 9, 20, 33, 7, 41, 12, 3, 8};
    private static final EmulatedGpu GPU =
            EmulatedGpu.of(GpuProfile.of("rtx3060").orElseThrow());
    private static final EmulatedOptions ONE = EmulatedOptions.DEFAULT;
    private static final EmulatedOptions TWO = ONE.withGpus(GPU, GPU);

    @TempDir
    static Path directory = Path.of("");

    private static Path store(String name) {
        return EmulatedEngines.store(directory, TestData.golden(name));
    }

    private static EngineConfig on(EngineConfig config, EmulatedOptions options) {
        return on(config, options, ActivationType.F32);
    }

    private static EngineConfig on(EngineConfig config, EmulatedOptions options, ActivationType activations) {
        EmulatedCuda emulated = new EmulatedCuda(options, Optional.empty(), false, activations);
        return config.withDevice(emulated.devices().toArray(DeviceFactory[]::new));
    }

    private static int[] bits(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config)) {
            return EmulatedEngines.bits(engine, PROMPT, STEPS);
        }
    }

    /// A loader's copy to another device comes between while the host waits for this one.
    @Test
    void whatLoadersDoWhileTheHostWaitsLeavesItsDeviceCurrent() {
        int length = 1 << 20;
        float[] floats = new float[length];
        List<Integer> begun = new ArrayList<>();
        try (EmulatedCuda emulated = new EmulatedCuda(TWO, Optional.empty(), true, ActivationType.F32);
                DeviceFactory other = emulated.devices().getLast();
                Device first = emulated.open();
                Device second = other.open();
                TransferScheduler<ListedLoad> loaders = emulated.loaders().ofDevice(3)) {
            DeviceBuffer large = first.allocate(length);
            DeviceBuffer small = second.allocate(1);
            first.upload(floats, 0, length, large, 0);
            for (int number = 0; number < 3; number++) { // one more than there are loaders
                loaders.submit(new ListedLoad(
                        number, begun, new ArrayList<>(), () -> second.upload(new float[1], 0, 1, small, 0)));
            }
            first.kernels().scale(large, length, 1);
            long current = currentContext();
            assertEquals(List.of(0, 1), begun);
            first.download(large, 0, length, floats, 0);
            assertEquals(List.of(0, 1, 2), begun);
            assertEquals(current, currentContext());
        }
    }

    private static long currentContext() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer current = stack.mallocPointer(1);
            assertEquals(CU.CUDA_SUCCESS, CU.cuCtxGetCurrent(current));
            return current.get(0);
        }
    }

    /// Among them inputs that are weighted, biases, and shared experts.
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "gpt_oss", "llama4_scout"})
    void severalDevicesGiveTheBitsOfOne(String name) {
        Path store = store(name);
        EngineConfig one = EmulatedEngines.config(ONE);
        int[] expected = bits(store, one);
        assertArrayEquals(expected, bits(store, EmulatedEngines.least(store, on(one, TWO))));
        EngineConfig least = EmulatedEngines.least(store, on(one, ONE.withGpus(GPU, GPU, GPU)));
        long minimum = least.memory().vramBytes().getFirst();
        long slots = 2 * least.memory().ramBytes().orElseThrow();
        EngineConfig uneven = least.withVramBytes(minimum, minimum + slots, minimum)
                .withPolicy("lfu", Optional.empty())
                .withPrefetch(PrefetchChoice.ON);
        try (Engine engine = Engine.open(store, uneven)) {
            assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, STEPS));
            List<ResidentSummary> tiers = engine.expertTiers().residentSummaries();
            assertEquals(3, tiers.size());
            assertTrue(tiers.get(1).slots().number() > tiers.get(0).slots().number());
            assertTrue(tiers.get(1).numExperts() > tiers.get(0).numExperts(), "a larger share for more room");
            assertTrue(tiers.stream().filter(tier -> tier.filled().number() > 0).count() > 1);
            assertEquals(
                    engine.stats().expertHits(),
                    engine.stats().deviceHits().stream().mapToLong(hits -> hits).sum());
        }
        assertArrayEquals(expected, bits(store, on(one, TWO)));
    }

    /// A driver translates kernels while they are loaded, and needs memory for them.
    @ParameterizedTest
    @EnumSource(ActivationType.class)
    void kernelsAreLoadedBeforeAnythingIsComputed(ActivationType activations) {
        Path store = directory.resolve("rounded-" + activations + ".mtier");
        EmulatedEngines.writeStore(TestData.golden("mixtral"), Quantisation.Q8_0, store);
        EmulatedCuda emulated = new EmulatedCuda(TWO, Optional.empty(), false, activations);
        EngineConfig config =
                EmulatedEngines.config(TWO).withDevice(emulated.devices().toArray(DeviceFactory[]::new));
        try (Engine engine = Engine.open(store, config)) {
            long loaded = emulated.driver().calls().count("cuModuleLoadDataEx");
            EmulatedEngines.bits(engine, PROMPT, STEPS);
            assertEquals(loaded, emulated.driver().calls().count("cuModuleLoadDataEx"));
        }
    }

    /// Which experts are computed together depends on their number, and what is rounded does not.
    @Test
    void severalDevicesRoundAsOneDoes() {
        Path store = directory.resolve("q8_0.mtier");
        EmulatedEngines.writeStore(TestData.golden("mixtral"), Quantisation.Q8_0, store);
        int[] expected = bits(store, EmulatedEngines.config(ONE, ActivationType.Q8));
        EngineConfig two = on(EmulatedEngines.config(ONE), TWO, ActivationType.Q8);
        assertArrayEquals(expected, bits(store, two));
        assertArrayEquals(expected, bits(store, EmulatedEngines.least(store, two)));
    }

    @Test
    void everyOrderOfCommandsGivesTheSameBits() {
        Path store = store("mixtral");
        EngineConfig least = EmulatedEngines.least(store, on(EmulatedEngines.config(ONE), TWO));
        int[] expected = bits(store, least);
        for (long seed = 1; seed <= SEEDS; seed++) {
            assertArrayEquals(expected, bits(store, on(least, TWO.withSeed(seed))), "seed " + seed);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuMemAlloc", "cuMemcpyHtoDAsync"})
    void aCallThatFailsOnceIsToldAndForgotten(String function) throws IOException {
        Path store = store("mixtral");
        EngineConfig least = EmulatedEngines.least(store, on(EmulatedEngines.config(ONE), TWO));
        int[] expected = bits(store, least);
        int failures = 0;
        boolean isMet = true;
        for (int call = 2; isMet; call *= 2) {
            InjectedFault fault = InjectedFault.once(function, call, CudaStatus.OUT_OF_MEMORY);
            try (EmulatedDriver driver = EmulatedDriver.start(TWO.withFaults(fault))) {
                EngineConfig config =
                        least.withDevice(() -> EmulatedEngines.open(driver, 0), () -> EmulatedEngines.open(driver, 1));
                failures += answers(store, config, expected) ? 0 : 1;
                assertEquals(List.of(), driver.leaks().leaks(), fault::toString);
                isMet = driver.calls().count(function) >= call;
            }
        }
        assertTrue(failures >= 3, function + " failed " + failures + " times");
    }

    /// Says whether the first answer came; the next one must come in any case.
    private static boolean answers(Path store, EngineConfig config, int[] expected) {
        try (Engine engine = Engine.open(store, config)) {
            boolean answered = true;
            try {
                assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, STEPS));
            } catch (CudaException e) {
                answered = false;
            }
            assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, STEPS));
            return answered;
        } catch (CudaException e) {
            return false;
        }
    }
}
