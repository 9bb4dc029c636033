package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.MemoryGroup;
import io.moetier.cli.QuickJvm;
import io.moetier.cli.terminal.Failure;
import io.moetier.lab.synthetic.ModelShape;
import io.moetier.lab.synthetic.SyntheticModel;
import io.moetier.storage.model.DType;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever the limit, the model and the context: a run stays 3 % below, or says why it cannot.
///
/// The peak is what the kernel cannot take back: the most pages that the process ever had, those of libraries
/// among them, and what the kernel keeps for its group. Page cache goes when it is needed, so that it ends nobody;
/// and that no process was ended shows in its exit code.
class MemoryMatrixTest {
    private static final long MIB = 1L << 20;
    private static final int POLL_MILLIS = 5;
    private static final List<String> OPTIONS =
            Stream.concat(QuickJvm.OPTIONS.stream(), Stream.of("-Xlog:disable")).toList();
    private static final List<Integer> LIMITS = List.of(350, 380, 440, 520);
    private static final List<Integer> CONTEXTS = List.of(0, 600, 4096);
    private static final int SHORT_PROMPT = 99;

    /// Most of its keys and values are not reserved; when they come, experts of the last model give way.
    private static final int LONG_PROMPT = 3900;

    private static final int LIMIT_OF_LONG = 360;
    private static final int TOO_LITTLE_FOR_LONG = 260;

    private static final long LEFT_BY_LONG = 12 * MIB; // of a reserve of 32, of which a fifth may be taken for a while
    private static final int TOO_LITTLE = 160;

    /// Where the JVM with [#SMALL] just starts, and where there is room for some experts, for all.
    private static final List<Long> ADDRESS_KILOBYTES = List.of(1_700_000L, 2_500_000L);

    /// A JVM that reserves few addresses, whatever the machine.
    private static final List<String> SMALL =
            List.of("-Xmx256m", "-XX:CompressedClassSpaceSize=64m", "-XX:ReservedCodeCacheSize=64m");

    /// A model of many experts, which never fit, one of large dense weights, and one of large keys and values.
    private static final List<ModelShape> SHAPES = List.of(
            new ModelShape(2, 1024, 16, 64, 4, 1024, 2000),
            new ModelShape(4, 1024, 8, 16, 2, 512, 20000),
            new ModelShape(8, 1024, 16, 8, 2, 256, 2000));

    @TempDir
    static Path directory = Path.of("");

    @BeforeAll
    static void writeModels() throws IOException {
        for (int i = 0; i < SHAPES.size(); i++) {
            SyntheticModel.write(model(i), SHAPES.get(i), DType.Q8_0, i);
        }
    }

    private record Case(int model, int limitMebibytes, int context, int prompt) {}

    /// How a run ended, and the most memory that it had.
    private record Ended(Case of, int exitCode, String said, long peakBytes) {
        @Override
        public String toString() {
            return of + ": exit code " + exitCode + ", " + (peakBytes >> 20) + " MiB, " + said;
        }
    }

    @Test
    void everyRunStaysBelowItsControlGroupsLimitWhereTestsMayMakeOne() throws Exception {
        Optional<MemoryGroup> may = MemoryGroup.create(TOO_LITTLE * MIB);
        if (may.isEmpty()) {
            return; // whoever may not make one has the limit of the address space below
        }
        may.get().close();
        List<Ended> all = new ArrayList<>();
        for (int model = 0; model < SHAPES.size() - 1; model++) {
            all.add(run(new Case(model, LIMITS.getFirst(), 0, SHORT_PROMPT))); // imports
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<Ended>> rest = new ArrayList<>();
            for (Case next : cases()) {
                rest.add(threads.submit(() -> run(next)));
            }
            for (Future<Ended> ended : rest) {
                all.add(ended.get());
            }
        }
        assertTrue(all.size() >= 20);
        for (Ended ended : all) {
            long limit = ended.of.limitMebibytes * MIB;
            long most = ended.of.prompt == LONG_PROMPT ? limit - LEFT_BY_LONG : limit / 100 * 97;
            assertTrue(ended.peakBytes > 0 && ended.peakBytes <= most, ended::toString);
            if (ended.exitCode != Failure.OK) { // a JVM that takes more than others
                assertTrue(ended.of.limitMebibytes < LIMITS.getLast(), ended::toString);
                requireRefused(ended);
            }
        }
        assertTrue(all.getFirst().said.contains("of weights do not fit into the"), all.getFirst()::toString);
        damageWeights(); // which are not looked at where they do not fit
        Ended tooLittle = run(new Case(0, TOO_LITTLE, 0, SHORT_PROMPT));
        requireRefused(tooLittle);
        assertFalse(tooLittle.said.contains("dense.safetensors"), tooLittle::toString);
        requireRefused(run(new Case(SHAPES.size() - 1, TOO_LITTLE_FOR_LONG, 0, LONG_PROMPT)));
    }

    @Test
    void whoHasTooFewAddressesIsTold() throws InterruptedException {
        for (long kilobytes : ADDRESS_KILOBYTES) {
            Case of = new Case(0, (int) (kilobytes >> 10), 0, SHORT_PROMPT);
            Path log = directory.resolve("addresses-" + kilobytes);
            int exitCode = CommandLineRun.await(
                    log,
                    inOwnCache(List.of("sh", "-c", "ulimit -v " + kilobytes + "; exec \"$0\" \"$@\"")),
                    Stream.concat(OPTIONS.stream(), SMALL.stream()).toList(),
                    arguments(of));
            Ended ended = new Ended(of, exitCode, read(log), 0);
            List<String> said = ended.said
                    .lines()
                    .filter(line -> line.startsWith("moetier: "))
                    .toList();
            assertTrue(
                    exitCode == Failure.OK
                            || (exitCode <= Failure.USAGE && said.size() == 1 && !ended.said.contains("#")),
                    ended::toString);
        }
    }

    private static List<String> inOwnCache(List<String> launcher) {
        return Stream.concat(launcher.stream(), Stream.of("env", "MOETIER_CACHE=" + directory.resolve("cache")))
                .toList();
    }

    private static List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (int model = 0; model < SHAPES.size() - 1; model++) {
            for (int limit : LIMITS) {
                for (int context : CONTEXTS) {
                    if (limit != LIMITS.getFirst() || context != 0) {
                        cases.add(new Case(model, limit, context, SHORT_PROMPT));
                    }
                }
            }
        }
        cases.add(new Case(SHAPES.size() - 1, LIMIT_OF_LONG, 0, LONG_PROMPT));
        return cases;
    }

    /// One sentence names the parts, or how much the text needs.
    private static void requireRefused(Ended ended) {
        assertEquals(Failure.USAGE, ended.exitCode, ended::toString);
        Pattern sentence = Pattern.compile("reserve |more of keys and values are needed for the text, and do not fit");
        assertTrue(
                ended.said.lines().filter(sentence.asPredicate()).count() == 1 && !ended.said.contains("\tat "),
                ended::toString);
    }

    private static void damageWeights() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("cache"))) {
            for (Path file :
                    files.filter(file -> file.endsWith("dense.safetensors")).toList()) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.write(ByteBuffer.allocate(1), 0);
                }
            }
        }
    }

    private static Ended run(Case of) throws IOException, InterruptedException {
        try (MemoryGroup group = MemoryGroup.create(of.limitMebibytes * MIB).orElseThrow()) {
            Path log =
                    directory.resolve("log-" + of.model + "-" + of.limitMebibytes + "-" + of.context + "-" + of.prompt);
            try (ChildProcess child = CommandLineRun.start(log, inOwnCache(group.launcher()), OPTIONS, arguments(of))) {
                long peak = 0;
                while (child.process().isAlive()) {
                    peak = Math.max(peak, bytes(child.process().pid()) + group.kernelBytes());
                    Thread.sleep(POLL_MILLIS);
                }
                return new Ended(of, child.waitFor(), read(log), peak);
            }
        }
    }

    private static String[] arguments(Case of) {
        String ids = IntStream.rangeClosed(1, of.prompt)
                .mapToObj(i -> Integer.toString(i % 1000))
                .collect(Collectors.joining(","));
        List<String> arguments = new ArrayList<>(
                List.of("run", model(of.model).toString(), "--ids", ids, "-n", "8", "--temp", "0", "--stats"));
        arguments.addAll(List.of("--profile", "none", "--device", "cpu", "--no-chat"));
        if (of.context > 0) {
            arguments.addAll(List.of("--ctx", Integer.toString(of.context)));
        }
        return arguments.toArray(String[]::new);
    }

    private static Path model(int number) {
        return directory.resolve("model-" + number + ".gguf");
    }

    private static long bytes(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .sum();
        } catch (IOException e) {
            return 0; // it has ended
        }
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
