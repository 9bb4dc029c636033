package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Failure;
import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.ComputeCapability;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `--device cuda` with an emulated driver in the place of NVIDIA's, and what it says of one that is of no use.
class CudaOptionTest {
    private static final String MODEL = TestData.golden("mixtral").toString();
    private static final List<String> RUN =
            List.of("run", MODEL, "--ids", "5,9,20", "-n", "8", "--temp", "0", "--profile", "none", "--ctx", "64");
    private static final GpuProfile RTX_3060 = GpuProfile.of("rtx3060").orElseThrow();
    private static final GpuProfile MAXWELL = new GpuProfile(
            "maxwell",
            "a GPU of 2014",
            4L << 30,
            new GpuProfile.Rates(224, 4.6, 12),
            new ComputeCapability(5, 2),
            16,
            2 << 20);

    @TempDir
    static Path cache = Path.of("");

    private static CommandLineRun withDriver(EmulatedDriver driver, List<String> command, String... options) {
        return CommandLineRun.inProcess(
                Map.of(
                        "MOETIER_CACHE",
                        cache.toString(),
                        "MOETIER_CUDA_LIBRARY",
                        driver.library().toString()),
                cache.resolve("home"),
                Stream.concat(command.stream(), Stream.of(options)).toArray(String[]::new));
    }

    private static CommandLineRun run(EmulatedOptions emulated, List<String> command, String... options)
            throws IOException {
        try (EmulatedDriver driver = EmulatedDriver.start(emulated)) {
            CommandLineRun run = withDriver(driver, command, options);
            assertEquals(List.of(), driver.leaks().leaks());
            return run;
        }
    }

    private static void assertOneLine(String expected, CommandLineRun run) {
        List<String> lines =
                run.err().lines().filter(line -> line.startsWith("moetier: ")).toList();
        assertEquals(1, lines.size(), run.err());
        assertTrue(lines.getFirst().contains(expected), run.err());
        assertEquals(1, run.err().lines().filter(line -> !line.isBlank()).count(), run.err());
    }

    private static JsonObject json(CommandLineRun run) {
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    /// What cannot be computed on is refused, and passed over by `auto`.
    private static void refuses(EmulatedOptions emulated, String reason) throws IOException {
        CommandLineRun refused = run(emulated, RUN, "--device", "cuda");
        assertEquals(Failure.USAGE, refused.exitCode(), refused.err());
        assertOneLine("--device cuda: " + reason, refused);
        CommandLineRun passedOver = run(emulated, RUN);
        assertEquals(Failure.OK, passedOver.exitCode(), passedOver.err());
        assertTrue(passedOver.err().contains("running on the CPU: " + reason), passedOver.err());
    }

    @Test
    void aDriverThatIsTooOldIsRefused() throws IOException {
        refuses(
                EmulatedOptions.DEFAULT.withDriverVersion(8_000),
                "the NVIDIA driver is for CUDA 8.0, but the kernels need 9.0; a newer driver helps");
    }

    @Test
    void aGpuThatIsTooOldIsRefused() throws IOException {
        EmulatedOptions emulated = EmulatedOptions.DEFAULT.withGpus(EmulatedGpu.of(MAXWELL));
        String reason = "a GPU of 2014 (emulated) has compute capability 5.2, but the kernels need 6.1";
        refuses(emulated, reason);
        CommandLineRun doctor = run(emulated, List.of("doctor", "--threads", "1", "--quick"));
        assertEquals(Failure.OK, doctor.exitCode(), doctor.err());
        assertTrue(doctor.out().contains("cannot be used: " + reason), doctor.out());
    }

    @Test
    void aDriverWithoutAGpuIsRefused() throws IOException {
        refuses(EmulatedOptions.DEFAULT.withGpus(), "the CUDA driver finds no device");
    }

    /// No context, no compiler of PTX or one that is too old: `auto` finds it out when it opens the GPU.
    @ParameterizedTest
    @CsvSource({
        "cuDevicePrimaryCtxRetain, 1, DEVICE_UNAVAILABLE",
        "cuModuleLoadDataEx, 1, JIT_COMPILER_NOT_FOUND",
        "cuModuleLoadDataEx, 2, UNSUPPORTED_PTX_VERSION"
    })
    void aGpuThatCannotBeOpenedIsPassedOverByAutoAlone(String function, int call, CudaStatus status)
            throws IOException {
        EmulatedOptions emulated = EmulatedOptions.DEFAULT.withFaults(InjectedFault.once(function, call, status));
        CommandLineRun asked = run(emulated, RUN, "--device", "cuda");
        assertEquals(Failure.FAILED, asked.exitCode(), asked.err());
        assertOneLine("the GPU failed: " + function + " failed: " + status.symbol(), asked);
        for (String[] device : new String[][] {{}, {"--device", "auto"}}) {
            CommandLineRun passedOver = run(emulated, RUN, device);
            assertEquals(Failure.OK, passedOver.exitCode(), passedOver.err());
            String reason = "running on the CPU: the GPU failed: " + function + " failed: " + status.symbol();
            assertTrue(passedOver.err().contains(reason), passedOver.err());
        }
        CommandLineRun limited = run(emulated, RUN, "--vram", "24M");
        assertEquals(Failure.FAILED, limited.exitCode(), limited.err());
    }

    private static EmulatedOptions tooSmall() {
        GpuProfile small = new GpuProfile(
                "small",
                "a small GPU",
                5 << 20,
                RTX_3060.rates(),
                RTX_3060.capability(),
                RTX_3060.multiprocessors(),
                RTX_3060.l2Bytes());
        return EmulatedOptions.DEFAULT.withGpus(EmulatedGpu.of(small));
    }

    /// Threads are measured and told, and that it is the CPU is said once.
    @Test
    void aSweepOfTheCpuThatTakesTheGpusPlaceIsOneOfTheCpu() throws IOException {
        Path json = cache.resolve("sweep.json");
        List<String> command = List.of("profile", MODEL, "-p", "4", "-n", "2", "--budgets", "100%,50%");
        CommandLineRun run = run(tooSmall(), command, "--seconds", "0.1", "--ctx", "64", "--json", "" + json);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertEquals(2, run.err().split("running on the CPU", -1).length, run.err());
        for (JsonObject point : Json.readObject(json).requireObjects("cases")) {
            assertTrue(point.requireInt("threads") > 0, run.out());
        }
    }

    @Test
    void aGpuThatIsTooSmallIsPassedOverByAutoAlone() throws IOException {
        EmulatedOptions emulated = tooSmall();
        CommandLineRun passedOver = run(emulated, RUN);
        assertEquals(Failure.OK, passedOver.exitCode(), passedOver.err());
        assertTrue(passedOver.err().contains("running on the CPU: the GPU"), passedOver.err());
        assertTrue(passedOver.err().contains("are too few: this model needs at least"), passedOver.err());
        for (String[] options : new String[][] {{"--device", "cuda"}, {"--vram", "512K"}}) {
            CommandLineRun asked = run(emulated, RUN, options);
            assertEquals(Failure.USAGE, asked.exitCode(), asked.err());
            assertOneLine("--vram: ", asked);
        }
    }

    @Test
    void doctorNumbersGpusAsTheOptionDoes() throws IOException {
        EmulatedGpu gpu = EmulatedGpu.of(RTX_3060);
        EmulatedGpu old = EmulatedGpu.of(MAXWELL);
        CommandLineRun doctor = run(
                EmulatedOptions.DEFAULT.withGpus(gpu, old),
                List.of("doctor", "--threads", "1", "--quick"),
                "--device",
                "cuda:1");
        assertEquals(Failure.OK, doctor.exitCode(), doctor.err());
        assertTrue(doctor.out().contains("GPU 1 "), doctor.out());
        assertFalse(doctor.out().contains("GPU 0 "), doctor.out());
    }

    @Test
    void aGpuThatIsNotThereIsRefused() throws IOException {
        CommandLineRun refused = run(EmulatedOptions.DEFAULT, RUN, "--device", "cuda:1");
        assertEquals(Failure.USAGE, refused.exitCode(), refused.err());
        assertOneLine("--device cuda: there is no GPU 1; there is one, number 0", refused);
    }

    @Test
    void aGpuThatCanBeUsedIsUsed() throws IOException {
        JsonObject onCpu = json(run(EmulatedOptions.DEFAULT, RUN, "--device", "cpu", "--json"));
        EmulatedGpu gpu = EmulatedGpu.of(RTX_3060);
        for (String[] device : new String[][] {{}, {"--device", "cuda"}, {"--device", "cuda:1"}}) {
            EmulatedOptions two = EmulatedOptions.DEFAULT.withGpus(gpu, gpu);
            List<String> command =
                    Stream.concat(RUN.stream(), Stream.of("--json")).toList();
            JsonObject onGpu = json(run(two, command, device));
            assertEquals(onCpu.requireString("text"), onGpu.requireString("text"));
            assertTrue(onGpu.requireString("device").startsWith("CUDA, NVIDIA GeForce RTX 3060"));
            assertEquals(0, onGpu.requireInt("expert_slots_given_back"));
        }
    }

    @Test
    void aShortageIsReported() throws IOException {
        InjectedFault fault = InjectedFault.once("cuMemAlloc", 45, CudaStatus.OUT_OF_MEMORY);
        EmulatedOptions emulated = EmulatedOptions.DEFAULT.withFaults(fault);
        String said = "the GPU ran out of memory, so 1 of 16 slots for experts were given back";
        for (String[] options : new String[][] {{"--device", "cuda"}, {"--device", "cuda", "--stats"}}) {
            CommandLineRun run = run(emulated, RUN, options);
            assertEquals(Failure.OK, run.exitCode(), run.err());
            assertTrue(run.err().contains(said), run.err());
            assertEquals(options.length > 2, run.err().contains("given back on device 0"), run.err());
        }
        assertTrue(json(run(emulated, RUN, "--device", "cuda", "--json")).requireInt("expert_slots_given_back") > 0);
        List<String> bench =
                List.of("bench", MODEL, "--device", "cuda", "--ctx", "64", "-p", "4", "-n", "2", "-r", "1");
        CommandLineRun measured = run(emulated, bench);
        assertEquals(Failure.OK, measured.exitCode(), measured.err());
        assertTrue(measured.out().contains(said), measured.out());
    }

    /// Main memory that cannot be pinned is none of the GPU's.
    @Test
    void aShortageOfPinnedMemoryTellsWhatNeedsLess() throws IOException {
        InjectedFault fault = InjectedFault.once("cuMemHostAlloc", 3, CudaStatus.OUT_OF_MEMORY);
        CommandLineRun run = run(EmulatedOptions.DEFAULT.withFaults(fault), RUN, "--device", "cuda");
        assertEquals(Failure.FAILED, run.exitCode(), run.err());
        assertOneLine("no more main memory can be pinned (cuMemHostAlloc failed: CUDA_ERROR_OUT_OF_MEMORY: ", run);
        assertTrue(run.err().strip().endsWith("; a smaller --ram needs less"), run.err());
    }

    /// The driver may take some kernels and not others; [#run] finds what is not given back.
    @Test
    void aDriverThatDoesNotTakeAllKernelsKeepsNone() throws IOException {
        InjectedFault fault = InjectedFault.once("cuModuleLoadDataEx", 3, CudaStatus.OUT_OF_MEMORY);
        CommandLineRun run = run(EmulatedOptions.DEFAULT.withFaults(fault), RUN, "--device", "cuda");
        assertEquals(Failure.FAILED, run.exitCode(), run.err());
        assertOneLine("the GPU is out of memory (cuModuleLoadDataEx failed", run);
    }

    /// Nothing can be given back to a GPU that is lost, but what is told is what came first.
    @ParameterizedTest
    @CsvSource({"cuStreamCreate, 1", "cuEventCreate, 2", "cuMemsetD8Async, 1", "cuEventCreate, 30", "cuStreamCreate, 2"
    })
    void aGpuThatIsLostWhileAModelIsOpenedIsToldByTheCallThatFailed(String function, int call) throws IOException {
        InjectedFault lost = InjectedFault.deviceLost(function, call);
        CommandLineRun run = run(EmulatedOptions.DEFAULT.withFaults(lost), RUN, "--device", "cuda");
        assertEquals(Failure.FAILED, run.exitCode(), run.err());
        assertOneLine("the GPU failed: " + function + " failed: ", run);
    }

    /// From some call on, everything fails: the text so far is right, one line follows, and closing is quiet.
    @ParameterizedTest
    @CsvSource({
        "cuLaunchKernel, 40, ILLEGAL_ADDRESS",
        "cuMemcpyDtoHAsync, 8, DEVICE_UNAVAILABLE",
        "cuMemcpyHtoDAsync, 20, LAUNCH_FAILED",
        "cuEventRecord, 12, UNKNOWN"
    })
    void aGpuThatIsLostEndsTheAnswer(String function, int call, CudaStatus status) throws IOException {
        InjectedFault lost = new InjectedFault(function, call, status, true);
        CommandLineRun run = run(EmulatedOptions.DEFAULT.withFaults(lost), RUN, "--device", "cuda");
        assertEquals(Failure.FAILED, run.exitCode(), run.err());
        assertOneLine("the GPU failed: ", run);
        assertTrue(run.err().contains(status.symbol()), run.err());
        String whole = run(EmulatedOptions.DEFAULT, RUN, "--device", "cpu").out();
        assertTrue(whole.startsWith(run.out().strip()), run.out());
    }
}
