package io.moetier.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.FactLines;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.cost.ByWorkingSet;
import io.moetier.lab.cost.DecodeCosts;
import io.moetier.lab.cost.LoadCosts;
import io.moetier.lab.cost.LoadingAhead;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.storage.expert.DiskSpeed;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.DType;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
    private static final int TERMINATED = 128 + 15;
    private static final long POLL_MILLIS = 10; // the processor is needed for what is waited for

    @TempDir
    Path cache = Path.of("");

    @Test
    void itMeasuresThisMachineAndKeepsWhatTunePredictsWith() throws IOException {
        JsonObject found = diagnosis(cache, "doctor", "--json", "--quick");
        assertTrue(found.requireObject("read_bytes_per_second").requireDouble("1") > 0);
        assertTrue(found.requireDouble("disk_bytes_per_second") > 0);
        assertTrue(found.requireLong("available_bytes") <= found.requireLong("memory_bytes"));
        JsonObject kernels = found.requireObject("kernels");
        assertTrue(kernels.requireString("plain").startsWith("CPU, "), kernels.requireString("plain"));
        assertTrue(kernels.requireString("auto").startsWith("CPU, "), kernels.requireString("auto"));
        MachineProfile kept = MachineProfile.read(MachineFile.in(cache));
        assertEquals(
                found.requireDouble("disk_bytes_per_second"),
                kept.diskBytesPerSecond().orElseThrow());
        assertEquals(
                found.requireDouble("cached_bytes_per_second"),
                kept.cachedBytesPerSecond().orElseThrow());
        DecodeCosts costs = kept.decodeCosts().orElseThrow();
        assertTrue(costs.bytesPerSecond(DType.Q4_0, 1e8).orElseThrow() > 0);
        assertTrue(costs.fromDisk().seconds(4, 1e6) >= 0);
        PromptCosts prompts = PromptCosts.read(MachineFile.in(cache)).orElseThrow();
        assertTrue(prompts.products(DType.Q4_0).orElseThrow().seconds(1e6, 64) > 0);
        assertTrue(prompts.besideSeconds(1024, 1024, 512) >= 0);
        try (Stream<Path> left = Files.list(cache)) {
            assertTrue(left.noneMatch(path -> path.getFileName().toString().startsWith(".scratch-")));
        }
    }

    @Test
    void aProfileOfAnEarlierVersionIsMeasuredAgain() throws IOException {
        MachineProfile old = MachineProfile.ofHost("before", 10e9, 1e9, 4e9, 0);
        Files.writeString(MachineFile.in(cache), Json.write(old.fields()));
        Diagnosis measured = diagnosis("now");
        StringWriter told = new StringWriter();
        MachineProfile current = new MachineFile(surroundings(), streams(told), () -> measured)
                .current()
                .orElseThrow();
        assertTrue(told.toString().startsWith("measuring this machine again, as doctor does"), told.toString());
        assertEquals(measured.profile(), Optional.of(current));
        assertEquals(current, MachineProfile.read(MachineFile.in(cache)));
    }

    @Test
    void aFirstLookReplacesNothingThatWasMeasuredBefore() throws IOException {
        StringWriter told = new StringWriter();
        MachineFile file = new MachineFile(surroundings(), streams(told));
        Files.writeString(MachineFile.in(cache), "damaged");
        file.keepFirstLook(diagnosis("a first look"));
        assertEquals("", told.toString());
        file.keep(diagnosis("measured"));
        file.keepFirstLook(diagnosis("another look"));
        assertEquals(diagnosis("measured").profile(), Optional.of(MachineProfile.read(MachineFile.in(cache))));
        assertTrue(told.toString().startsWith("what was measured before stays in " + cache), told.toString());
    }

    private Diagnosis diagnosis(String processor) {
        LoadCosts loads = new LoadCosts(0, 0, 0, 1e-9, 0, LoadingAhead.UNKNOWN);
        ByWorkingSet nothing = ByWorkingSet.of(Map.of(1L, 0.0));
        DecodeCosts costs = new DecodeCosts(
                Map.of(DType.BF16, ByWorkingSet.of(Map.of(1L, 10e9))), nothing, nothing, nothing, 0, loads, loads);
        return new Diagnosis(
                processor,
                Map.of(),
                Map.of(1, 20e9),
                cache,
                new Diagnosis.Finding<>(Optional.of(new DiskSpeed(2e9, 8e9, "direct")), "direct"),
                new Diagnosis.Finding<>(Optional.of(costs), "measured"),
                Optional.empty());
    }

    private Surroundings surroundings() {
        return new Surroundings(Map.of("MOETIER_CACHE", cache.toString()), cache, "");
    }

    private static Streams streams(StringWriter told) {
        return new Streams(InputStream.nullInputStream(), new StringWriter(), new PrintWriter(told));
    }

    @Test
    void itTellsOfPrompts() {
        StringWriter told = new StringWriter();
        Streams streams = new Streams(InputStream.nullInputStream(), told, new PrintWriter(new StringWriter()));
        PromptCosts costs = new PromptCosts(Map.of(DType.Q4_0, new PromptCosts.Products(0, 1e-11)), 1e-6, 1e-9, 1e-11);
        try (FactLines lines = new FactLines(streams, true, false)) {
            Diagnosis.tell(costs, lines);
        }
        String[] lines = told.toString().split("\n", -1);
        assertTrue(lines[0].matches("products of prompts +100 billion a second \\(q4_0\\)"), lines[0]);
        assertTrue(lines[1].matches("a token of a prompt +beside products, in a layer 1024 wide, 4\\.7 µs"), lines[1]);
    }

    @Test
    void aCacheThatCannotBeWrittenIsAFindingThatHidesNothingElse() throws IOException {
        Path file = Files.createFile(cache.resolve("file"));
        JsonObject found = diagnosis(file, "doctor", "--json", "--rounds", "2");
        assertTrue(found.requireString("disk").startsWith("cannot be written: "), found.requireString("disk"));
        assertTrue(found.optionalDouble("disk_bytes_per_second").isEmpty());
        assertTrue(found.requireString("calibration").startsWith("not measured: "), found.requireString("calibration"));
        assertTrue(found.optionalObject("decode_costs").isEmpty());
        assertTrue(found.requireObject("kernels").requireString("plain").startsWith("CPU, "));
    }

    @Test
    void aStopLeavesNoFileInTheCache() throws IOException, InterruptedException {
        Path own = Files.createDirectory(cache.resolve("own"));
        Path log = cache.resolve("log");
        List<String> launcher = List.of("env", "MOETIER_CACHE=" + own);
        try (ChildProcess child = CommandLineRun.start(log, launcher, "doctor", "--threads", "1", "--quick")) {
            while (child.process().isAlive() && !holdsSpeedFile(own)) {
                Thread.sleep(POLL_MILLIS);
            }
            child.process().destroy();
            assertEquals(TERMINATED, child.waitFor(), () -> "see " + log);
        }
        assertFalse(holdsSpeedFile(own));
    }

    @Test
    void itTellsPeople() throws IOException {
        Path dead = Files.createDirectory(cache.resolve(".dead.mtier.importing-0123abcd-0123-4567-89ab-0123456789ab"));
        Files.write(dead.resolve("experts-0.cm3"), new byte[1000]);
        Files.createSymbolicLink(cache.resolve(".dead.mtier.lock"), cache.resolve("nowhere"));
        CommandLineRun run = CommandLineRun.inProcess(cache, "doctor", "--threads", "2", "--quick");
        assertEquals(Failure.OK, run.exitCode(), run.err());
        assertFalse(Files.exists(MachineFile.in(cache)), "for other threads than those of a run");
        assertTrue(run.out()
                .matches("(?s)Java .*\nprocessor .*\nkernels auto +CPU, .*\n  read by 1 thread .* GB/s"
                        + "\n  read by 2 threads .* GB/s\n.*"));
        assertFalse(run.out().contains("N/A"), run.out());
        assertTrue(run.out().matches("(?s).*\ndecoding +not measured; without --threads doctor does, .*"), run.out());
        String left = "  leftovers               1000 B that a killed command left, which cannot be removed: " + cache;
        assertTrue(run.out().contains("\n" + left), run.out());
        assertEquals(
                Failure.USAGE,
                CommandLineRun.inProcess(cache, "doctor", "--threads", "-1").exitCode());
    }

    @Test
    void roundsAreForTheCalibration() {
        refuses("--rounds must be 1 or more, not 0", "--rounds", "0");
        refuses("--rounds is for what decoding costs, which --threads leaves out", "--rounds", "1", "--threads", "2");
        refuses("--rounds does not go with --quick, which measures once", "--rounds", "1", "--quick");
    }

    private void refuses(String reason, String... options) {
        String[] command =
                Stream.concat(Stream.of("doctor"), Stream.of(options)).toArray(String[]::new);
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.USAGE, run.exitCode());
        assertTrue(run.err().contains(reason), run.err());
    }

    private static boolean holdsSpeedFile(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.anyMatch(file -> file.getFileName().toString().startsWith(".scratch-"));
        }
    }

    private static JsonObject diagnosis(Path cache, String... command) {
        CommandLineRun run = CommandLineRun.inProcess(cache, command);
        assertEquals(Failure.OK, run.exitCode(), run.err());
        return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), Path.of("output"));
    }
}
