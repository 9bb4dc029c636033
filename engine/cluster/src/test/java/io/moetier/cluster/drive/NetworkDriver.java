package io.moetier.cluster.drive;

import io.moetier.runtime.session.Engine;
import io.moetier.testdata.ChildProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A driver in a process of its own, of two nodes, of which one is cut off in the middle of a token and comes back. It
/// says how far it is, and waits until it is told that something has been done about it.
final class NetworkDriver implements AutoCloseable {
    private static final long PATIENCE_NANOS = 120_000_000_000L; // far more than anything takes that happens at all
    private static final long PAUSE_NANOS = 100_000_000;

    private final ChildProcess child;
    private final BufferedReader out;

    private NetworkDriver(ChildProcess child) {
        this.child = child;
        out = child.process().inputReader(StandardCharsets.UTF_8);
    }

    static NetworkDriver start(Path secret, Path store, Machines machines, int machine) throws IOException {
        List<String> command = ChildProcess.java(
                NetworkDriver.class,
                List.of(secret.toString(), store.toString(), machines.host(machine), machines.join(machine)));
        return new NetworkDriver(ChildProcess.start(
                new ProcessBuilder(machines.on(machine, false, command)).redirectError(Redirect.DISCARD)));
    }

    /// Returns the word that it says next, or all it says of why it has failed.
    String next() throws IOException {
        String line = out.readLine();
        return line == null || line.matches("[a-z]+") ? String.valueOf(line) : line + "\n" + out.readAllAsString();
    }

    /// Tells it that something has been done.
    void goOn() throws IOException {
        child.process().getOutputStream().write('\n');
        child.process().getOutputStream().flush();
    }

    @Override
    public void close() {
        child.close();
    }

    /// What it does in its own process.
    private static final class Run {
        private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        private final List<String> said = new CopyOnWriteArrayList<>();
        private final Path store;
        private final int[] expected;
        private @Nullable ClusterDriver driver;

        Run(Path store) {
            this.store = store;
            expected = Text.alone(store);
        }

        void run(Path secret, String host, String join) throws IOException {
            ClusterDrive drive = new ClusterDrive(
                    TestCluster.belonging(host, 0, join, Optional.of(secret)),
                    "driver",
                    new ClusterDrive.How(TestCluster.VERSION, false, 1, 1e9, 1e8, Optional.empty(), Optional.empty()),
                    said::add);
            try (Engine engine =
                    Engine.open(store, Text.least(store).withNodes(driven -> driver = drive.open(driven)))) {
                awaitUse(engine, "one", 1);
                awaitUse(engine, "two", 1);
                AtomicInteger numLayers = new AtomicInteger();
                int middle = 3 * engine.spec().moeLayers().size() + 1;
                requireSameBits(Text.bits(engine, () -> {
                    if (numLayers.incrementAndGet() == middle) {
                        tell("middle");
                    }
                }));
                awaitSaid("node two is gone", 1);
                requireSameBits(Text.bits(engine));
                tell("gone");
                awaitSaid("node two can be asked from now on", 2);
                awaitUse(engine, "two", 2);
                tell("back");
            }
        }

        /// Computes until a node that has come so often is of use.
        private void awaitUse(Engine engine, String name, int times) {
            await(name + " is of use", () -> {
                requireSameBits(Text.bits(engine));
                List<NodeUse> uses = Objects.requireNonNull(driver).uses().stream()
                        .filter(use -> use.name().equals(name))
                        .toList();
                return uses.size() >= times
                        && uses.getLast().numExperts() > uses.getLast().numMissing();
            });
        }

        private void awaitSaid(String start, int times) {
            await(
                    start,
                    () -> said.stream().filter(line -> line.startsWith(start)).count() >= times);
        }

        private void await(String what, BooleanSupplier condition) {
            long end = System.nanoTime() + PATIENCE_NANOS;
            while (!condition.getAsBoolean()) {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("not so far: " + what + "; " + said);
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }

        private void requireSameBits(int[] bits) {
            if (!Arrays.equals(expected, bits)) {
                throw new IllegalStateException("other bits; " + said);
            }
        }

        private void tell(String word) {
            System.out.println(word);
            try {
                if (in.readLine() == null) {
                    throw new IllegalStateException("nobody is there to be told");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        try {
            new Run(Path.of(arguments[1])).run(Path.of(arguments[0]), arguments[2], arguments[3]);
        } catch (RuntimeException | Error e) {
            e.printStackTrace(System.out);
            throw e;
        }
    }
}
