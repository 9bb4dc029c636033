package io.moetier.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.cluster.drive.ClusterDrive;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.jgroups.JGroupsMembership;
import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.MemoryPlan.Part;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A cluster as its user sees it: nodes, a run over them, who is there, who is to leave, and what goes wrong.
class ClusterTest {
    private static final Pattern THERE = Pattern.compile("node \\S+ of cluster c at (\\S+): ");
    private static final String[] ANSWER = answer(24);
    private static final String[] LONG_ANSWER = answer(150);

    @TempDir
    Path home = Path.of("");

    private static String[] answer(int tokens) {
        String model = TestData.tinyMixtral().toString();
        String[] words = {"run", model, "Once upon a time", "--temp", "0", "-n", "" + tokens};
        return words(words, "--ram", "2M", "--profile", "none");
    }

    private Path cache(String machine) {
        return home.resolve(machine);
    }

    private MemberRun node(String name, String... more) throws InterruptedException {
        String[] words = {"node", "--cluster", "c", "--port", "0", "--name", name, "--threads", "1"};
        return MemberRun.start(home, cache(name), words(words, more)).awaitText("node " + name + " of cluster c");
    }

    /// Returns where a node says that it is.
    private static String place(MemberRun node) throws InterruptedException {
        return node.await(THERE);
    }

    private CommandLineRun driven(String place, String... words) {
        return run(words(words, "--cluster", "c", "--join", place));
    }

    /// Runs the model over nodes, whatever is predicted.
    private CommandLineRun answered(String place, String... more) {
        return driven(place, words(words(ANSWER, "--nodes", "always"), more));
    }

    private CommandLineRun run(String... words) {
        return CommandLineRun.inProcess(Map.of("MOETIER_CACHE", cache("driver").toString()), home, words);
    }

    private CommandLineRun besideAGpuThatCannotBeOpened(String place) throws IOException {
        InjectedFault fault = InjectedFault.once("cuDevicePrimaryCtxRetain", 1, CudaStatus.DEVICE_UNAVAILABLE);
        try (EmulatedDriver gpu = EmulatedDriver.start(EmulatedOptions.DEFAULT.withFaults(fault))) {
            return CommandLineRun.inProcess(
                    Map.of("MOETIER_CACHE", "" + cache("driver"), "MOETIER_CUDA_LIBRARY", "" + gpu.library()),
                    home,
                    words(ANSWER, "--cluster", "c", "--join", place));
        }
    }

    private static String[] words(String[] first, String... then) {
        return Stream.of(first, then).flatMap(Arrays::stream).toArray(String[]::new);
    }

    private static CommandLineRun ok(CommandLineRun run) {
        assertEquals(Failure.OK, run.exitCode(), run::err);
        return run;
    }

    @Test
    void theTextIsThatOfOneMachineAndTheReportSaysWhoDidWhat() throws IOException, InterruptedException {
        String alone = ok(run(ANSWER)).out();
        try (MemberRun a = node("a", "--ram", "40M")) {
            String place = place(a);
            Path events = home.resolve("events.json");
            JsonObject node = null;
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MemberRun.PATIENCE_SECONDS);
            while (node == null) { // a node takes what it is to hold in its own time
                assertTrue(System.nanoTime() < end, "the node computes nothing");
                String out = ok(answered(place, "--json", "--trace-events", "" + events))
                        .out();
                JsonObject report = Json.parseObject(out.getBytes(StandardCharsets.UTF_8), Path.of("run"));
                assertEquals(alone.strip(), report.requireString("text").strip());
                node = report.requireObjects("nodes").stream()
                        .filter(of -> of.requireLong("experts") > 0)
                        .findFirst()
                        .orElse(null);
            }
            assertEquals("a", node.requireString("name"));
            assertEquals(0, node.requireLong("missing"));
            assertTrue(node.requireLong("sent_bytes") > 0);
            assertTrue(Files.readString(events).contains("\"node a\""));
            assertTrue(node.requireLong("rows") >= node.requireLong("experts"));
            CommandLineRun told = ok(answered(place, "--stats"));
            assertEquals(alone, told.out());
            assertTrue(told.err().contains("node  experts"), told.err());
        }
    }

    @Test
    void aNodeThatIsDrainedEndsAndTheRunGoesOn() throws IOException, InterruptedException {
        String alone = ok(run(LONG_ANSWER)).out();
        try (MemberRun node = node("a", "--ram", "40M")) {
            String place = place(node);
            String status = ok(driven(place, "cluster", "status")).out();
            assertTrue(
                    status.lines().anyMatch(line -> line.matches("a +node +" + place + " +\\d+ +40.* 1 .*")), status);
            status = ok(driven(place, "cluster", "status", "--json")).out();
            JsonObject member = Json.parseObject(status.getBytes(StandardCharsets.UTF_8), Path.of("status"))
                    .requireObjects("members")
                    .getFirst();
            assertEquals(
                    List.of("a", "node", place),
                    List.of(
                            member.requireString("name"),
                            member.requireString("role"),
                            member.requireString("address")));
            assertEquals(40L << 20, member.requireLong("ram_bytes"));
            assertEquals(List.of(), member.asMap().get("holds"));
            try (MemberRun run = MemberRun.start(
                    home,
                    cache("driver"),
                    words(LONG_ANSWER, "--nodes", "always", "--cluster", "c", "--join", place))) {
                run.awaitText(alone.substring(0, 8));
                assertEquals(
                        "node a leaves\n",
                        ok(driven(place, "cluster", "drain", "a")).out());
                CommandLineRun left = ok(node.ended());
                assertTrue(left.err().contains("asked to leave\n"), left.err());
                assertEquals(alone, ok(run.ended()).out());
            }
        }
    }

    /// What is predicted depends on the machine, but not that it is said and what it does to the text.
    @Test
    void aVerdictIsSaidBeforeTheTextBegins() throws IOException, InterruptedException {
        String alone = ok(run(ANSWER)).out();
        try (MemberRun node = node("a", "--ram", "40M")) {
            String place = place(node);
            CommandLineRun judged = ok(driven(place, words(ANSWER, "--json")));
            JsonObject report = Json.parseObject(judged.out().getBytes(StandardCharsets.UTF_8), Path.of("run"));
            assertEquals(alone.strip(), report.requireString("text").strip());
            List<String> lines = judged.err().lines().toList();
            assertEquals("node a can be asked from now on", lines.getFirst(), judged::err);
            String verdict = lines.get(1);
            assertTrue(
                    verdict.matches("(experts are computed on nodes|everything is computed here): a token takes .*"),
                    judged::err);
            assertEquals(verdict.startsWith("everything"), verdict.contains("; --nodes always "), judged::err);
            assertEquals(verdict, report.requireString("nodes_verdict"));
            assertEquals(
                    verdict.startsWith("experts"),
                    report.optionalBoolean("nodes_compute").orElseThrow());
            CommandLineRun told = ok(driven(place, words(ANSWER, "--stats")));
            assertEquals(alone, told.out());
            assertEquals(
                    2,
                    told.err()
                            .lines()
                            .filter(line -> line.contains(": a token takes "))
                            .count(),
                    told::err);
            assertFalse(ok(answered(place)).err().contains("a token takes"));
            CommandLineRun onTheCpuAfterAll = ok(besideAGpuThatCannotBeOpened(place));
            assertTrue(onTheCpuAfterAll.err().contains("running on the CPU: the GPU failed"), onTheCpuAfterAll::err);
            assertTrue(onTheCpuAfterAll.err().contains(": a token takes "), onTheCpuAfterAll::err);
        }
    }

    @Test
    void aNodeThatCanHoldNothingIsLeftOut() throws IOException, InterruptedException {
        String alone = ok(run(ANSWER)).out();
        try (MemberRun node = node("a", "--ram", "1K")) {
            String place = place(node);
            CommandLineRun run = ok(driven(place, ANSWER));
            assertEquals(alone, run.out());
            assertTrue(run.err().startsWith("node a is left out: "), run.err());
        }
    }

    @Test
    void whoIsToBeDrainedHasToBeThereAndOne() throws IOException, InterruptedException {
        try (MemberRun first = node("a", "--ram", "40M");
                MemberRun second = node("a", "--ram", "40M", "--join", place(first))) {
            CommandLineRun run = driven(place(first), "cluster", "drain", "b");
            assertEquals(Failure.USAGE, run.exitCode());
            assertEquals("moetier: NODE: expected one of [a, a], found b\n", run.err());
            run = driven(place(first), "cluster", "drain", "a");
            assertEquals(Failure.USAGE, run.exitCode());
            assertEquals(
                    "moetier: NODE: several are called a: expected one of [a@" + place(first) + ", a@" + place(second)
                            + "]\n",
                    run.err());
            String out = ok(driven(place(first), "cluster", "drain", "a@" + place(second)))
                    .out();
            assertEquals("node a@" + place(second) + " leaves\n", out);
            ok(second.ended());
        }
    }

    @Test
    void aNodeWithoutANameAFolderOrMemoryDoesNotStart() throws IOException {
        for (String name : List.of("", "n".repeat(201), "a\nb")) {
            CommandLineRun run = run("node", "--cluster", "c", "--name", name);
            assertEquals("moetier: --name: 1 to 200 bytes, all of which can be shown\n", run.err());
            assertEquals(Failure.USAGE, run.exitCode());
        }
        Path file = Files.createFile(home.resolve("file"));
        CommandLineRun run = run("node", "--cluster", "c", "--folder", file.toString());
        assertEquals("moetier: --folder: expected a folder, found the file " + file + "\n", run.err());
        assertEquals(Failure.USAGE, run.exitCode());
        run = run("node", "--cluster", "c", "--ram", "0");
        assertEquals("moetier: --ram: expected memory for an expert at least, found 0 B\n", run.err());
        assertEquals(Failure.USAGE, run.exitCode());
    }

    /// A driver that has just come does not yet do what is asked of it, and another fails at it.
    @Test
    void whereANodeFindsNoMemoryThePartsAreNamed() {
        MemoryLimit group = new MemoryLimit(Kind.GROUP, "the control group /a", 300 << 20, 0);
        MemoryPlan plan = new MemoryPlan(group, -1, List.of(new Part("reserve", 32 << 20)));
        String parts = "of the 300 MiB of the control group /a, 0 B are left beside reserve 32.0 MiB";
        assertEquals(
                "--ram: there is no memory to spare for experts: " + parts,
                assertThrows(IllegalArgumentException.class, () -> NodeCommand.ramBytes(null, plan, _ -> {}))
                        .getMessage());
        List<String> notes = new ArrayList<>();
        assertEquals(2 << 20, NodeCommand.ramBytes(new ByteSize(2 << 20), plan, notes::add));
        assertEquals(1, notes.size());
        assertTrue(notes.getFirst().startsWith("--ram: 2.00 MiB of experts do not fit: " + parts), notes::toString);
    }

    @Test
    void whoIsAskedToDoWithoutANodeIsAskedAgainAndItsReasonIsTold() throws IOException, InterruptedException {
        Path secret = secret("secret", "0123456789abcdef");
        String[] drain = {"cluster", "drain", "a", "--secret-file", secret.toString()};
        Offer offer = new Offer(Offer.Role.DRIVER, "127.0.0.1", 9, 0, 1, "", "");
        try (MemberRun node = node("a", "--ram", "40M", "--secret-file", secret.toString());
                Membership driver = driver(place(node), secret, offer)) {
            String place = place(node);
            CommandLineRun refused = driven(place, drain);
            assertEquals(Failure.FAILED, refused.exitCode());
            assertEquals(
                    "moetier: driver was asked and did not do it: it does not do what is called without\n",
                    refused.err());
            CountDownLatch asked = new CountDownLatch(2);
            driver.tasks().offer(ClusterDrive.WITHOUT, 1, _ -> {
                asked.countDown();
                if (asked.getCount() > 0) {
                    throw new IllegalStateException("not yet");
                }
                return new byte[0];
            });
            assertEquals("node a leaves\n", ok(driven(place, drain)).out());
            assertEquals(0, asked.getCount());
            ok(node.ended());
        }
    }

    private Membership driver(String place, Path secret, Offer offer) throws IOException {
        ClusterSettings settings =
                new ClusterSettings("c", "127.0.0.1", 0, List.of(place), false, Optional.of(secret), Optional.empty());
        return JGroupsMembership.join(Belonging.read(settings, home), "driver", offer, true);
    }

    @Test
    void whoHasAnotherSecretStaysOut() throws IOException, InterruptedException {
        Path ours = secret("ours", "0123456789abcdef");
        Path theirs = secret("theirs", "fedcba9876543210");
        try (MemberRun node = node("a", "--secret-file", ours.toString(), "--ram", "40M")) {
            String place = place(node);
            CommandLineRun run = driven(place, "cluster", "status", "--secret-file", theirs.toString());
            assertEquals(Failure.FAILED, run.exitCode());
            assertTrue(run.err().matches("moetier: .*secret.*\n"), run.err());
        }
    }

    /// Before a model is read that may be long in coming.
    @Test
    void whoDoesNotBelongIsToldBeforeLongWork() throws IOException {
        String model = TestData.tinyMixtral().toString();
        Path secret = home.resolve("absent");
        CommandLineRun run =
                run("run", model, "Once", "--cluster", "c", "--secret-file", secret.toString(), "--ram", "1M");
        assertEquals(Failure.FAILED, run.exitCode());
        assertEquals("moetier: " + secret + ": no such file\n", run.err());
        Path prompts = Files.writeString(home.resolve("prompts"), "Once");
        run = driven("127.0.0.1:1", "tune", model, "--prompts", prompts.toString());
        assertEquals(Failure.FAILED, run.exitCode());
        assertTrue(run.err().startsWith("moetier: nobody listens at 127.0.0.1:1: "), run.err());
        assertFalse(Files.exists(cache("driver")));
    }

    private Path secret(String name, String content) throws IOException {
        Path file = Files.createFile(
                home.resolve(name), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(file, content);
    }

    @Test
    void nobodyIsThere() throws IOException {
        String place = "127.0.0.1:1"; // where nobody listens
        for (String[] words : List.of(ANSWER, new String[] {"cluster", "status"})) {
            CommandLineRun run = driven(place, words);
            assertEquals(Failure.FAILED, run.exitCode());
            assertTrue(run.err().matches("(?s).*moetier: .*nobody.*" + place + ".*\n"), run.err());
            assertEquals("", run.out());
        }
    }

    @Test
    void thePortIsTaken() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = "" + taken.getLocalPort();
            CommandLineRun run = run("node", "--cluster", "c", "--port", port, "--ram", "40M");
            assertEquals(Failure.FAILED, run.exitCode());
            assertTrue(
                    run.err().startsWith("moetier: --host, --port: nobody can listen at 127.0.0.1:" + port), run.err());
        }
    }

    @Test
    void aFolderWithoutCertificates() {
        CommandLineRun run = run("node", "--cluster", "c", "--tls", home.toString(), "--ram", "40M");
        assertEquals(Failure.FAILED, run.exitCode());
        assertEquals("moetier: " + home.resolve("cert.pem") + ": no such file or directory\n", run.err());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "run MODEL Once --join a | --join: of which cluster? --cluster NAME says it",
                "bench MODEL --port 1 | --port: of which cluster? --cluster NAME says it",
                "run MODEL Once --mixed | --mixed is for nodes: of which cluster? --cluster NAME says it",
                "bench MODEL --nodes always | --nodes: of which cluster? --cluster NAME says it",
                "run MODEL Once --nodes never | invalid value for option '--nodes': expected one of auto, always,"
                        + " found 'never'; see moetier run --help",
                "run MODEL Once --cluster a/b | --cluster: up to 64 letters, digits, dots, hyphens and underscores,"
                        + " a letter or digit first",
                "profile MODEL --cluster c | --cluster: bounds are those of this machine alone; bench measures what nodes"
                        + " bring",
                "node | --cluster NAME says which cluster to be a node of",
                "node --join a | --join: of which cluster? --cluster NAME says it",
                "node --cluster c --port 70000 | --port: 70000 is none",
                "cluster status | --cluster NAME says which cluster",
                "cluster drain a | --cluster NAME says which cluster"
            })
    void whatCannotBeIsOneSentence(String words, String sentence) {
        CommandLineRun run =
                run(words.replace("MODEL", TestData.tinyMixtral().toString()).split(" "));
        assertEquals("moetier: " + sentence + "\n", run.err());
        assertEquals(Failure.USAGE, run.exitCode());
    }

    @Test
    void theHelpHasTheClusterUnderItsHeading() {
        for (String command : List.of("node", "run", "bench", "tune", "perplexity")) {
            String help = ok(run("help", command)).out();
            String cluster = help.substring(help.indexOf("\nCluster:\n"));
            assertTrue(cluster.contains(" --cluster=NAME "), help);
            assertTrue(cluster.contains(" --join=HOST[:PORT],… "), help);
        }
        String help = ok(run("help", "cluster")).out();
        for (String command : List.of("status", "plan", "drain")) {
            assertTrue(help.contains("\n  " + command + " "), help);
        }
    }
}
