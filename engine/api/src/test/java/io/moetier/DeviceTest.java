package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/// Models on two GPUs that an emulated driver offers.
class DeviceTest {
    private static final Path MODEL = TestData.golden("mixtral");
    private static final int[] PROMPT = {5, 9, 20};
    private static final long VRAM_BYTES = 8 << 20;

    @TempDir
    static Path cache = Path.of("");

    private static Optional<EmulatedDriver> driver = Optional.empty();

    @BeforeAll
    static void start() throws IOException {
        EmulatedGpu gpu = EmulatedGpu.of(GpuProfile.of("rtx3060").orElseThrow());
        driver = Optional.of(EmulatedDriver.start(EmulatedOptions.DEFAULT.withGpus(gpu, gpu)));
    }

    @AfterAll
    static void stop() {
        driver.ifPresent(started -> {
            assertEquals(List.of(), started.leaks().leaks());
            started.close();
        });
    }

    private static Device.Gpus gpus(int... numbers) {
        return Device.gpus(numbers).withDriver(driver.orElseThrow().library());
    }

    private static ModelOptions options(Device device) {
        return ModelOptions.DEFAULT.withCache(cache).withContextLength(64).withDevice(device);
    }

    private static Completion completion(Model model) {
        return model.completion(
                AnswerSettings.DEFAULT.withSampling(Sampling.GREEDY).withMaxTokens(6));
    }

    private static List<Integer> tokens(Model model) {
        try (Completion completion = completion(model)) {
            return completion.complete(PROMPT, piece -> {}).tokenIds();
        }
    }

    private static List<Integer> tokens(ModelOptions options) {
        try (Model model = Model.open(MODEL, options)) {
            return tokens(model);
        }
    }

    @Test
    void gpusAnswerAsTheProcessorDoes() {
        List<Integer> expected = tokens(options(Device.CPU));
        try (Model model = Model.open(MODEL, options(gpus(1).withVramBytes(VRAM_BYTES)))) {
            assertTrue(model.device().startsWith("CUDA, NVIDIA GeForce RTX 3060"), model.device());
            assertEquals(expected, tokens(model));
            assertEquals(
                    List.of("device 0", "memory"),
                    model.tiers().stream().map(TierReport::name).toList());
        }
        assertEquals(expected, tokens(options(gpus(0, 1).withVramBytes(VRAM_BYTES, 2 * VRAM_BYTES))));
        Device.Gpus beside = gpus(0).withMisses(Device.Misses.CPU);
        assertEquals(expected, tokens(options(beside).withThreads(1)));
    }

    @Test
    void eachMemoryHasAPolicyOfItsOwn() {
        List<MostRecentlyUsed> made = new ArrayList<>();
        ModelOptions options = options(gpus(0, 1)).withPolicy(slots -> {
            made.add(new MostRecentlyUsed(slots));
            return made.getLast();
        });
        assertEquals(tokens(options(Device.CPU)), tokens(options));
        assertEquals(3, made.size(), "one of each GPU and one of main memory");
        assertTrue(made.stream().allMatch(policy -> policy.numChoices > 0));
    }

    /// Main memory's policy is called by the threads that copy, too.
    @Test
    void whatAPolicyOfAnyMemoryThrowsComesBack() {
        for (int memory = 0; memory < 2; memory++) {
            int broken = memory;
            IllegalStateException thrown = new IllegalStateException("memory " + broken);
            List<EvictionPolicy.Slots> made = Collections.synchronizedList(new ArrayList<>());
            ModelOptions options = options(gpus(0)).withPolicy(slots -> {
                made.add(slots);
                EvictionPolicy sound = new MostRecentlyUsed(slots);
                return made.size() - 1 == broken ? new Broken(sound, "entry", thrown) : sound;
            });
            try (Model model = Model.open(MODEL, options);
                    Completion completion = completion(model)) {
                assertSame(
                        thrown, assertThrows(RuntimeException.class, () -> completion.complete(PROMPT, piece -> {})));
                assertEquals(tokens(options(Device.CPU)), tokens(model));
            }
        }
    }

    @Test
    void whatCannotBeIsNamed() {
        refuses("device: there is no GPU 7; there are 2, numbered from 0", () -> tokens(options(gpus(7))));
        refuses("vramBytes: 1,024 bytes are too few", () -> tokens(options(gpus(0).withVramBytes(1024))));
        refuses(
                "vramBytes: expected one size, or one for each of the 2 devices, found 3",
                () -> gpus(0, 1).withVramBytes(1, 2, 3));
        refuses("numbers: expected those of GPUs, each once, found []", Device::gpus);
        refuses("numbers: expected those of GPUs, each once, found [0, 0]", () -> Device.gpus(0, 0));
        refuses("numbers: expected those of GPUs, each once, found [-1]", () -> Device.gpus(-1));
        refuses(
                "threads: expected 0 where the processor computes nothing, found 2",
                () -> options(gpus(0)).withThreads(2));
        refuses(
                "threads: expected 0 or more, found -2",
                () -> options(Device.CPU).withThreads(-2));
        int most = 4 * Runtime.getRuntime().availableProcessors();
        refuses(
                "threads: expected at most " + most + ", 4 for each processor, found " + (most + 1),
                () -> options(Device.CPU).withThreads(most + 1));
        refuses(
                "contextLength: expected 0 or more, found -2",
                () -> options(Device.CPU).withContextLength(-2));
        refuses("vramBytes: expected sizes above 0, found [-1]", () -> gpus(0).withVramBytes(-1));
        refuses(
                "memoryBytes: expected above 0, found -1",
                () -> options(Device.CPU).withMemoryBytes(-1));
    }

    private static void refuses(String message, Executable work) {
        MoetierException failure = assertThrows(MoetierException.NotPossible.class, work);
        assertTrue(String.valueOf(failure.getMessage()).startsWith(message), failure::toString);
    }
}
