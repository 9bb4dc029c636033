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
import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaMemory;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A call of the driver that fails once ends in one clear error or in the right text, and costs nothing for good.
class EmulatedFaultsTest {
    private static final int[] PROMPT = {5, 9, 20};
    private static final int MOST_CALLS = 120;
    private static final long VRAM_BYTES = 24 << 20;
    private static final int LONG_CONTEXT = 2048;
    private static final long PAGE = 4096;

    @TempDir
    static Path directory = Path.of("");

    /// The calls that fail are the first ones, one by one, and then further and further apart.
    @ParameterizedTest
    @CsvSource({
        "cuMemAlloc, OUT_OF_MEMORY",
        "cuMemHostAlloc, OUT_OF_MEMORY",
        "cuMemcpyHtoDAsync, UNKNOWN",
        "cuMemcpyDtoHAsync, UNKNOWN"
    })
    void aCallThatFailsOnceIsToldAndForgotten(String function, CudaStatus status) throws IOException {
        Path store = EmulatedEngines.store(directory, TestData.golden("mixtral"));
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT));
        int[] expected;
        try (Engine engine = Engine.open(store, least)) {
            expected = EmulatedEngines.bits(engine, PROMPT, 1);
        }
        int failures = 0;
        int call = 1;
        while (fails(store, least, InjectedFault.once(function, call, status), expected)) {
            failures++;
            call += Math.max(1, call / 3);
        }
        assertTrue(failures >= 3, function + " failed " + failures + " times");
    }

    /// With slots to spare, a shortage in the middle of a run costs some of them and no bit.
    @Test
    void whenMemoryRunsOutSlotsAreGivenBack() throws IOException {
        Path store = EmulatedEngines.store(directory, TestData.golden("mixtral"));
        EngineConfig all = EmulatedEngines.config(EmulatedOptions.DEFAULT);
        int[] expected;
        int numSlots;
        try (Engine engine = Engine.open(store, all)) {
            expected = EmulatedEngines.bits(engine, PROMPT, 1);
            numSlots = engine.expertTiers().residentSummary().slots().number();
        }
        int shortages = 0;
        for (int call = 1; call < MOST_CALLS; call += Math.max(1, call / 6)) {
            InjectedFault fault = InjectedFault.once("cuMemAlloc", call, CudaStatus.OUT_OF_MEMORY);
            try (EmulatedDriver driver =
                    EmulatedDriver.start(EmulatedOptions.DEFAULT.withSeed(call).withFaults(fault))) {
                try (Engine engine = Engine.open(store, all.withDevice(() -> EmulatedEngines.open(driver)))) {
                    assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, 1), fault::toString);
                    ResidentSummary tier = engine.expertTiers().residentSummary();
                    assertEquals(numSlots, tier.slots().number() + tier.numGivenBack());
                    shortages += engine.expertTiers().movesOn(0).givenBack().slots() > 0 ? 1 : 0;
                    assertTrue(tier.numGivenBack() <= numSlots / 8, fault::toString);
                } catch (CudaException e) { // before there is a tier
                    assertEquals(0, shortages, fault::toString);
                }
                assertEquals(List.of(), driver.leaks().leaks(), fault::toString);
            }
        }
        assertTrue(shortages >= 5, shortages + " shortages were met");
    }

    /// Another program takes what is free, more each time, until less is left than there must be.
    @Test
    void memoryThatAnotherProgramTookIsMadeUpFor() throws IOException {
        Path store = EmulatedEngines.store(directory, TestData.golden("mixtral"));
        EmulatedGpu small = new EmulatedGpu(GpuProfile.of("rtx3060").orElseThrow(), VRAM_BYTES);
        try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withGpus(small))) {
            EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT)
                    .withDevice(() -> EmulatedEngines.open(driver))
                    .withContextLength(LONG_CONTEXT);
            try (CudaContext other = EmulatedEngines.find(driver).open(0);
                    Engine engine = Engine.open(store, config)) {
                int[] expected = EmulatedEngines.bits(engine, PROMPT, 1);
                try (Owned taken = new Owned()) {
                    int left = numSlots(engine);
                    for (boolean goesOn = true; goesOn; left = numSlots(engine)) {
                        take(other, taken);
                        goesOn = answers(engine, expected);
                        assertTrue(numSlots(engine) < left || !goesOn, "nothing was given back for a session");
                    }
                    assertEquals(engine.spec().moeLayers().getFirst().numExpertsPerToken(), left);
                }
                assertTrue(answers(engine, expected), "a shortage that is over lasts");
            }
            assertEquals(List.of(), driver.leaks().leaks());
        }
    }

    private static int numSlots(Engine engine) {
        return engine.expertTiers().residentSummary().slots().number();
    }

    /// Takes all that is free.
    private static void take(CudaContext other, Owned taken) {
        for (long bytes = VRAM_BYTES; bytes >= PAGE; ) {
            try {
                CudaMemory memory = other.allocate(bytes);
                taken.add(memory::close);
            } catch (CudaException e) {
                bytes /= 2;
            }
        }
    }

    /// Says whether the fault was met; the engine must then be as good as before.
    private static boolean fails(Path store, EngineConfig config, InjectedFault fault, int[] expected)
            throws IOException {
        try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withFaults(fault))) {
            boolean failed = !answers(store, config.withDevice(() -> EmulatedEngines.open(driver)), expected);
            assertEquals(List.of(), driver.leaks().leaks(), fault::toString);
            return failed;
        }
    }

    private static boolean answers(Path store, EngineConfig config, int[] expected) {
        try (Engine engine = Engine.open(store, config)) {
            boolean answered = answers(engine, expected);
            if (!answered) {
                assertTrue(answers(engine, expected), "a fault that is over lasts");
            }
            return answered;
        } catch (CudaException e) {
            return false;
        }
    }

    private static boolean answers(Engine engine, int[] expected) {
        try {
            assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, 1));
            return true;
        } catch (CudaException e) {
            return false;
        }
    }
}
