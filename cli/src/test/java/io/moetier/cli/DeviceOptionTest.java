package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.option.DeviceChoice;
import io.moetier.cli.terminal.Failure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceOptionTest {
    private static final String MODEL = TestData.golden("mixtral").toString();

    @TempDir
    static Path cache = Path.of("");

    private static CommandLineRun run(String... options) {
        String[] start = {"run", MODEL, "--ids", "5,9,20", "-n", "3", "--temp", "0", "--profile", "none", "--ctx", "64"
        };
        return CommandLineRun.inProcess(cache, with(start, options));
    }

    private static String[] with(String[] start, String... options) {
        String[] command = Arrays.copyOf(start, start.length + options.length);
        System.arraycopy(options, 0, command, start.length, options.length);
        return command;
    }

    private static JsonObject json(CommandLineRun run) {
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }

    @Test
    void anEmulatedGpuAnswersAsTheProcessorDoesAndTellsItsTime() {
        JsonObject onCpu = json(run("--device", "cpu", "--json"));
        JsonObject onGpu = json(run("--device", "emulated:rtx4090", "--json"));
        assertEquals(onCpu.requireString("text"), onGpu.requireString("text"));
        assertTrue(onGpu.requireString("device").contains("RTX 4090"), onGpu.requireString("device"));
        assertEquals("rtx4090", onGpu.requireString("virtual_gpu"));
        assertTrue(onGpu.requireDouble("virtual_generated_tokens_per_second") > 0);
        assertTrue(onGpu.requireLong("copied_bytes") > 0);
        assertTrue(onGpu.requireLong("vram_bytes") > onGpu.requireLong("other_weight_bytes"));
    }

    @Test
    void aLineSaysWhyTheProcessorComputesToWhoAsksForAGpuOrForFigures() {
        String reason = "running on the CPU: ";
        for (CommandLineRun silent : List.of(run(), run("--device", "cpu"), run("--threads", "1", "--stats"))) {
            assertFalse(silent.err().contains(reason), silent.err());
        }
        for (CommandLineRun told : List.of(run("--stats"), run("--device", "auto"))) {
            assertEquals(
                    1,
                    told.err().lines().filter(line -> line.startsWith(reason)).count(),
                    told.err());
        }
    }

    @Test
    void theProcessorComputesWhatTheGpuLacks() {
        JsonObject copied = json(run("--device", "emulated", "--json"));
        JsonObject computed = json(run("--device", "emulated", "--misses", "cpu", "--threads", "1", "--json"));
        assertEquals(copied.requireString("text"), computed.requireString("text"));
        assertEquals(0, copied.requireLong("computed_on_cpu"));
        assertTrue(computed.requireLong("computed_on_cpu") > 0);
        assertTrue(computed.requireString("device").contains("CPU"), computed.requireString("device"));
        String stats = run("--device", "emulated", "--misses", "cpu", "--stats").err();
        assertTrue(stats.matches("(?s).*\ncomputed on the CPU +\\d+ experts\n.*"), stats);
    }

    @Test
    void activationsAreRoundedOnAGpuOnly() {
        String device = json(run("--device", "simulated", "--activations", "q8", "--json"))
                .requireString("device");
        assertTrue(device.contains("activations of eight bits for prompts"), device);
        for (String activations : new String[] {"f32", "q8"}) {
            CommandLineRun refused = run("--device", "cpu", "--activations", activations);
            assertEquals(Failure.USAGE, refused.exitCode(), refused.err());
            assertTrue(
                    refused.err()
                            .contains("--activations is for a GPU, but this runs on the CPU, whose kernels have"
                                    + " activations of their own"),
                    refused.err());
        }
    }

    @Test
    void severalGpusShareTheExperts() {
        JsonObject one = json(run("--device", "emulated", "--json"));
        JsonObject two = json(run("--device", "emulated,emulated:rtx4090", "--vram", "16M,8M", "--json"));
        assertEquals(one.requireString("text"), two.requireString("text"));
        assertEquals(needed(one), needed(two), "what is found depends on how far a prompt's copies have come");
        assertEquals("rtx3060 + rtx4090", two.requireString("virtual_gpu"));
        assertEquals(2, two.optionalInts("device_hits").orElseThrow().size());
        String stats = run("--device", "emulated,emulated", "--stats").err();
        assertTrue(stats.matches("(?s).*\ndevice 0 +\\d+ of .*\ndevice 1 +\\d+ of .*\nhost +\\d+ of .*"), stats);
    }

    private static long needed(JsonObject report) {
        return report.requireLong("expert_hits") + report.requireLong("expert_misses");
    }

    @Test
    void reportsShowBothTiersAndTheVirtualTime() {
        CommandLineRun stats = run("--device", "emulated", "--stats");
        assertEquals(Failure.OK, stats.exitCode(), stats.err());
        assertTrue(
                stats.err().matches("(?s).*\ndevice +\\d+ of .*\nhost +\\d+ of .*\ndisk .*\nvirtual time +prompt .*"),
                stats.err());
        String line = run("--device", "emulated").err();
        assertTrue(line.contains("of experts found on the GPU"), line);
        assertTrue(line.contains("in the virtual time of an emulated rtx3060"), line);
    }

    /// The first token belongs to the prompt.
    @Test
    void anAnswerOfOneTokenHasNoRates() {
        String[] command = {"run", MODEL, "--ids", "5,9", "-n", "1", "--profile", "none", "--device", "simulated"};
        CommandLineRun stats = CommandLineRun.inProcess(cache, with(command, "--stats"));
        assertTrue(stats.err().matches("(?s).*\n  while generating +-\n.*"), stats.err());
        assertTrue(stats.err().matches("(?s).*\nvirtual time +prompt \\S+/s in the virtual time of .*"), stats.err());
        JsonObject json = json(CommandLineRun.inProcess(cache, with(command, "--json")));
        assertTrue(json.requireDouble("prompt_tokens_per_second") > 0);
        assertEquals(
                List.of("prompt_tokens_per_second", "virtual_prompt_tokens_per_second"),
                json.asMap().keySet().stream()
                        .filter(name -> name.endsWith("_per_second"))
                        .toList());
    }

    @Test
    void aSimulatedGpuComputesOnTheProcessorAndTellsTheTimeOfTheGpu() {
        JsonObject onCpu = json(run("--device", "cpu", "--json"));
        JsonObject simulated = json(run("--device", "simulated:rtx4090", "--vram", "6M", "--json"));
        assertEquals(onCpu.requireString("text"), simulated.requireString("text"));
        String device = simulated.requireString("device");
        assertTrue(device.contains("RTX 4090 (simulated: its time only), computed by CPU"), device);
        assertTrue(simulated.requireDouble("virtual_generated_tokens_per_second") > 0);
        assertTrue(simulated.requireLong("copied_bytes") > 0);
        String line = run("--device", "simulated").err();
        assertTrue(line.contains("in the virtual time of a simulated rtx3060"), line);
    }

    @Test
    void benchmarksShowRealAndVirtualTime() {
        CommandLineRun bench = CommandLineRun.inProcess(
                cache, "bench", MODEL, "--device", "emulated", "--ctx", "64", "-p", "4", "-n", "2", "-r", "1");
        assertEquals(Failure.OK, bench.exitCode(), bench.err());
        assertTrue(
                bench.out()
                        .matches("(?s).*prompt 4 .*\nprompt, virtual rtx3060 .*\n.*experts on the GPU .*"
                                + "\nexperts in pinned memory .*"),
                bench.out());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--device simulated:rtx1 | expected one of rtx3060, rtx3090, rtx4060ti, rtx4090, rtx5090, h100 after"
                        + " simulated:",
                "--device simulated --threads 2 | --threads and --kernels are for --device cpu",
                "--device emulated --vram 1K | --vram: 1,024 bytes are too few: this model needs at least",
                "--device emulated --vram 900G | are free on the device",
                "--device cpu --vram 1G | --vram is for a GPU, but this runs on the CPU",
                "--device emulated --threads 2 | --threads and --kernels are for --device cpu",
                "--device emulated --kernels plain | --threads and --kernels are for --device cpu",
                "--device cpu --misses cpu | --misses is for what a GPU lacks, but this runs on the CPU",
                "--device emulated --misses gpu | gpu",
                "--device emulated,cpu | several devices are all cuda:N or all emulated:GPU",
                "--device cuda:0,cuda:0 | each GPU is named once",
                "--device emulated,emulated --vram 9M,9M,9M | expected one size, or one for each of the 2 devices",
                "--device emulated,emulated --vram 900M,1K | --vram: 1,024 bytes on device 1 are too few",
                "--device cuda:99 | --device cuda: ",
                "--device cuda:x | expected the number of a GPU after cuda:, found 'x'",
                "--device emulated:gtx | expected one of rtx3060, rtx3090",
                "--device gpu | expected cpu, cuda, cuda:N, emulated, emulated:GPU, simulated, simulated:GPU or auto,"
                        + " found 'gpu'"
            })
    void whatCannotBeIsRefusedInOneLine(String options, String expected) {
        CommandLineRun refused = run(options.split(" "));
        assertEquals(Failure.USAGE, refused.exitCode(), refused.err());
        assertTrue(refused.err().contains(expected), refused.err());
        assertEquals(
                1,
                refused.err()
                        .lines()
                        .filter(line -> line.startsWith("moetier: "))
                        .count(),
                refused.err());
    }

    @Test
    void lettersMayBeLarge() {
        assertEquals(DeviceChoice.parse("simulated:h100"), DeviceChoice.parse("Simulated:H100"));
        assertEquals(DeviceChoice.parse("cpu"), DeviceChoice.parse("CPU"));
    }

    @Test
    void doctorMeasuresAnEmulatedGpu() {
        JsonObject found = json(CommandLineRun.inProcess(
                cache, "doctor", "--threads", "1", "--quick", "--device", "emulated:rtx3060", "--json"));
        JsonObject gpu = found.requireObjects("gpus").getFirst();
        assertEquals(12L << 30, gpu.requireLong("memory_bytes"));
        assertTrue(gpu.requireDouble("to_device_bytes_per_second") > 20e9, "25 GB/s less what starts a copy");
        assertTrue(gpu.requireDouble("to_host_bytes_per_second") > 20e9);
        assertTrue(gpu.requireDouble("device_bytes_per_second") > 100e9);
    }
}
