package io.moetier.lab.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.membership.jgroups.JGroupsMembership;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.RandomTraces;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.Tuning;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntToLongFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SpreadSweepTest {
    private static final String VERSION = "1.0";
    private static final Contender LRU = Contender.of("lru", _ -> 0);

    @TempDir
    static Path folder = Path.of("");

    private static Path census = Path.of("");
    private static List<SweptTrace> traces = List.of();
    private static String alone = "";

    @BeforeAll
    static void sweepsOnOneMachine() {
        census = RandomTraces.write(folder.resolve("census"), 1, 50);
        Path earlier = RandomTraces.write(folder.resolve("earlier"), 2, 80);
        traces = List.of(
                swept("a", 3, 120, Admission.LAYER, List.of(earlier)),
                swept("b", 4, 60, Admission.SEQUENTIAL, List.of()),
                swept("c", 5, 80, Admission.LAYER, List.of(census, earlier)));
        alone = Rows.of(traces.stream().map(SpreadSweepTest::alone).toList());
    }

    private static SweptTrace swept(String name, int seed, int tokens, Admission admission, List<Path> earlier) {
        IntToLongFunction counts = RoutingTrace.read(census).censusById();
        List<Contender> policies = Stream.concat(Policies.names().stream(), Stream.of("layer:lfu"))
                .map(policy -> Contender.of(policy, counts))
                .toList();
        SlotPlan.Sizes sizes = new SlotPlan.Sizes(List.of(0, 1, 0), List.of(2_900_000L, 1_100_000L));
        Tuning.Question question = new Tuning.Question(
                policies,
                List.of(new SlotPlan("few", List.of(3, 2)), new SlotPlan("more", List.of(6, 3))),
                new ModelSizes(sizes, true, 123_456, Optional.empty()),
                MachineProfile.ofDevice("rtx3060"),
                admission == Admission.LAYER ? Misses.AUTO : Misses.COPY,
                earlier);
        Path trace = RandomTraces.write(folder.resolve(name), seed, tokens);
        return new SweptTrace(trace, new Simulator(admission, 1, 20, 2), question, LRU, Optional.of(census));
    }

    private static Tuning alone(SweptTrace swept) {
        try (TraceReader reader = TraceReader.open(swept.trace())) {
            return Tuning.of(reader, swept.simulator(), swept.question(), swept.lru());
        }
    }

    /// Nodes in a room with who asks.
    private static final class Cluster implements AutoCloseable {
        final Room room = new Room();
        final Room.Seat driver = room.join("driver", Role.DRIVER, 8, VERSION);
        final List<SweepNode> nodes = new CopyOnWriteArrayList<>(); // some come in the middle of an answer
        SweepSummary summary = new SweepSummary(List.of(), List.of(), 0);

        Room.Seat node(String name, int threads) {
            return node(name, threads, 1 << 20);
        }

        Room.Seat node(String name, int threads, long bytes) {
            Room.Seat seat = room.join(name, Role.NODE, threads, VERSION);
            nodes.add(SweepNode.offerTo(seat, folder.resolve("node-" + name), bytes, threads));
            return seat;
        }

        String sweep() throws InterruptedException {
            return sweep(UnaryOperator.identity());
        }

        /// Returns the rows of a sweep in which this machine does nothing.
        String sweepElsewhere() throws InterruptedException {
            CountDownLatch never = new CountDownLatch(1);
            String rows = sweepAfter(never);
            never.countDown();
            assertEquals(0, tasksOf("driver"));
            return rows;
        }

        /// Returns the rows of a sweep in which this machine does nothing before something else has happened.
        String sweepAfter(CountDownLatch latch) throws InterruptedException {
            return sweep(work -> (errand, task) -> {
                try {
                    latch.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return work.compute(errand, task);
            });
        }

        private String sweep(UnaryOperator<Hand.Work> work) throws InterruptedException {
            List<Tuning> tunings = new ArrayList<>();
            summary = SpreadSweepTest.sweep(driver, work, tunings);
            return Rows.of(tunings);
        }

        int tasksOf(String name) {
            return summary.shares().stream()
                    .filter(share -> share.name().equals(name))
                    .mapToInt(SweepSummary.Share::tasks)
                    .sum();
        }

        @Override
        public void close() {
            room.close();
            nodes.forEach(SweepNode::close);
        }
    }

    private static SweepSummary sweep(Membership driver, UnaryOperator<Hand.Work> work, List<Tuning> tunings)
            throws InterruptedException {
        return new SpreadSweep(driver, 1, traces, work).run((index, tuning) -> {
            assertEquals(tunings.size(), index);
            tunings.add(tuning);
        });
    }

    @Test
    void aloneItIsTheSame() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            assertEquals(alone, cluster.sweep());
            assertEquals(cluster.summary.tasks(), cluster.tasksOf("driver"));
            assertEquals(List.of(), cluster.summary.notes());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void overNodesItIsTheSame(int nodes) throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            for (int i = 0; i < nodes; i++) {
                cluster.node("n" + i, 1 + i);
            }
            assertEquals(alone, cluster.sweep());
            assertEquals(alone, cluster.sweepElsewhere());
            assertEquals(List.of(), cluster.summary.notes());
            assertEquals(1 + nodes, cluster.summary.shares().size());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whateverHappensItIsTheSame(long seed) throws InterruptedException {
        Random random = new Random(seed);
        try (Cluster cluster = new Cluster()) {
            for (int i = 0; i < 4; i++) {
                cluster.node("n" + i, 1 + random.nextInt(2), random.nextBoolean() ? 1 << 20 : 9000);
            }
            List<CompletableFuture<Void>> late = new CopyOnWriteArrayList<>();
            cluster.room.set((_, name, _) -> fault(random.nextInt(24), cluster, late));
            assertEquals(alone, cluster.sweep());
            late.forEach(one -> one.complete(null)); // nobody waits for it any more
        }
    }

    private static Room.Fault fault(int kind, Cluster cluster, List<CompletableFuture<Void>> late) {
        return switch (kind) {
            case 0 -> (_, _, _) -> {}; // lost
            case 1 ->
                (_, answer, result) -> {
                    answer[answer.length / 2] ^= 1;
                    result.complete(answer);
                };
            case 2 ->
                (_, answer, result) -> {
                    result.complete(answer);
                    result.complete(answer);
                };
            case 3 -> (_, _, result) -> result.completeExceptionally(new TaskException("no memory"));
            case 4 ->
                (seat, _, _) -> {
                    seat.close();
                    cluster.node(seat.self().name(), 1);
                };
            case 5 ->
                (seat, answer, result) -> {
                    result.complete(answer);
                    seat.close();
                };
            case 6 ->
                (_, answer, result) -> {
                    CompletableFuture<Void> one = new CompletableFuture<>();
                    late.add(one);
                    var _ = one.thenAccept(_ -> result.complete(answer));
                };
            case 7 -> (_, _, result) -> result.complete(new SweepReply.Lacking().message(new byte[8]));
            default -> Room.NONE;
        };
    }

    @Test
    void aNodeThatComesLateHasAPart() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.node("first", 1);
            AtomicBoolean begun = new AtomicBoolean();
            cluster.room.set((member, name, _) -> {
                if (name.equals(SweepNode.COMPUTING) && !begun.getAndSet(true)) {
                    cluster.node("second", 1);
                }
                boolean held = member.name().equals("first") && name.equals(SweepNode.COMPUTING);
                return held ? (_, _, _) -> {} : Room.NONE;
            });
            assertEquals(alone, cluster.sweepElsewhere());
            assertEquals(cluster.summary.tasks(), cluster.tasksOf("second"));
        }
    }

    @Test
    void aNodeThatDiesInTheMiddleIsDoneWithout() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.node("mortal", 2);
            cluster.room.set(
                    (_, name, _) -> name.equals(SweepNode.COMPUTING) ? (seat, _, _) -> seat.close() : Room.NONE);
            assertEquals(alone, cluster.sweep());
            assertEquals(0, cluster.tasksOf("mortal"));
        }
    }

    @Test
    void whenAllNodesHangItIsDoneHere() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.node("a", 2);
            cluster.node("b", 1);
            cluster.room.set((_, name, _) -> name.equals(SweepNode.COMPUTING) ? (_, _, _) -> {} : Room.NONE);
            assertEquals(alone, cluster.sweep());
            assertEquals(cluster.summary.tasks(), cluster.tasksOf("driver"));
        }
    }

    @Test
    void whoIsOfAnotherVersionTakesNoPart() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.room.join("old", Role.NODE, 2, "0.9");
            cluster.room.join("other", Role.DRIVER, 2, VERSION);
            cluster.room.join("stranger", Role.UNKNOWN, 0, "speaks version 9 and not 1");
            assertEquals(alone, cluster.sweep());
            assertEquals(
                    List.of(
                            "old takes no part: it is of version 0.9, and this is 1.0",
                            "stranger takes no part: it speaks version 9 and not 1"),
                    cluster.summary.notes());
        }
    }

    @Test
    void whoObjectsToTheEndIsSaidToHaveTakenNoPart() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.node("a", 1);
            CountDownLatch greeted = new CountDownLatch(2); // the first answer is known when it is asked again
            cluster.room.set((_, _, _) -> {
                greeted.countDown();
                return (_, _, result) -> result.completeExceptionally(new TaskException("no memory"));
            });
            assertEquals(alone, cluster.sweepAfter(greeted));
            assertEquals(List.of("a took no part: no memory"), cluster.summary.notes());
        }
    }

    /// A trace crosses once, whatever needs it; and what another sweep has brought is there.
    @Test
    void aTraceCrossesOnce() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            cluster.node("a", 3);
            List<TraceId> sent = new CopyOnWriteArrayList<>();
            cluster.room.set((_, _, argument) -> {
                if (SweepRequest.read(argument, VERSION) instanceof SweepRequest.Part part && part.bytes().length > 0) {
                    sent.add(part.trace());
                }
                return Room.NONE;
            });
            assertEquals(alone, cluster.sweepElsewhere());
            assertEquals(5, sent.size());
            assertEquals(5, new HashSet<>(sent).size());
            assertEquals(alone, cluster.sweepElsewhere());
            assertEquals(5, sent.size());
        }
    }

    @Test
    void aNodeWithoutRoomForATraceIsSaidToTakeNoPart() throws InterruptedException {
        try (Cluster cluster = new Cluster()) {
            Room.Seat seat = cluster.room.join("small", Role.NODE, 1, VERSION);
            SweepNode node = SweepNode.offerTo(seat, folder.resolve("small"), 10, 1);
            cluster.nodes.add(node);
            assertThrows(
                    TaskException.class,
                    () -> node.answer(new SweepRequest.Part(TraceId.of(census), 0, new byte[0]).message(VERSION)));
            assertEquals(alone, cluster.sweep());
            assertEquals(0, cluster.tasksOf("small"));
        }
    }

    @Test
    void aDamagedTraceIsSaidToBeOne() throws IOException {
        Path damaged = folder.resolve("damaged");
        byte[] bytes = Files.readAllBytes(traces.getFirst().trace());
        Files.write(damaged, Arrays.copyOf(bytes, bytes.length / 2));
        SweptTrace good = traces.getFirst();
        SweptTrace bad = new SweptTrace(damaged, good.simulator(), good.question(), LRU, good.census());
        String message =
                assertThrows(MalformedModelException.class, () -> alone(bad)).getMessage();
        try (Cluster cluster = new Cluster()) {
            cluster.node("a", 1);
            List<Tuning> taken = new ArrayList<>();
            MalformedModelException e = assertThrows(
                    MalformedModelException.class,
                    () -> SpreadSweep.run(cluster.driver, 1, List.of(good, bad), (_, tuning) -> taken.add(tuning)));
            assertEquals(message, e.getMessage());
            assertEquals(Rows.of(List.of(alone(good))), Rows.of(taken));
        }
    }

    /// It leaves as soon as this machine has something to do.
    @Test
    @SuppressWarnings("try") // it is closed early
    void overARealMemberItIsTheSame() throws IOException, InterruptedException {
        Path secret = Files.writeString(Files.createTempFile(folder, "secret", ""), "what nobody else knows");
        try (JGroupsMembership driver = join(secret, List.of(), Role.DRIVER);
                Membership node = join(secret, List.of("127.0.0.1:" + driver.port()), Role.NODE);
                SweepNode _ = SweepNode.offerTo(node, folder.resolve("node"), 1 << 20, 1)) {
            List<Tuning> tunings = new ArrayList<>();
            sweep(
                    driver,
                    work -> (errand, task) -> {
                        node.close();
                        return work.compute(errand, task);
                    },
                    tunings);
            assertEquals(alone, Rows.of(tunings));
        }
    }

    private static JGroupsMembership join(Path secret, List<String> others, Role role) throws IOException {
        ClusterSettings settings =
                new ClusterSettings("sweeps", "127.0.0.1", 0, others, false, Optional.of(secret), Optional.empty());
        Offer offer = new Offer(role, "", 0, 0, 1, "", VERSION);
        return JGroupsMembership.join(Belonging.read(settings, folder), role + "" + others, offer, role == Role.NODE);
    }
}
