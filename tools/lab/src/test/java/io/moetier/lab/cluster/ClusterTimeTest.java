package io.moetier.lab.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.placement.Link;
import io.moetier.lab.cluster.Parts.Part;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.Phase;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Times that were computed by hand: experts of 1000 bytes that a processor reads in a second, and rows of 40 bytes.
class ClusterTimeTest {
    private static final double EXACT = 1e-9;
    private static final double ENDLESS = Double.POSITIVE_INFINITY;
    private static final Link NO_WAY = new Link(0, ENDLESS);
    private static final ClusterModel FOUR = model(2, 4, 4);
    private static final Owners ONE_TWO_ONE = Owners.of(new int[][] {{0, 1, 1, 2}, {0, 1, 1, 2}});

    @TempDir
    Path directory = Path.of("");

    private static ClusterModel model(int layers, int experts, int topK) {
        ModelSizes sizes = new ModelSizes(SlotPlan.Sizes.uniform(layers, 1000), true, 500L * layers, Optional.empty());
        return new ClusterModel(sizes, experts, topK, 10);
    }

    private static Machine machine(long ramBytes) {
        return machine(ramBytes, 1000, 100);
    }

    private static Machine machine(long ramBytes, double memoryRate, double diskRate) {
        return Machine.ofSpeeds("machine", ramBytes, memoryRate, diskRate);
    }

    private static Cluster cluster(double driverRate, Link first, Link second) {
        return new Cluster(
                machine(8000), driverRate, List.of(new Node(machine(8000), first), new Node(machine(8000), second)));
    }

    private static ClusterTime time(Cluster cluster) {
        return Replay.of(FOUR, Choices.even(FOUR), cluster, ONE_TWO_ONE);
    }

    private static ClusterVerdict verdict(Cluster cluster) {
        ClusterTime here = new ClusterVerdict.Question(FOUR, Choices.even(FOUR), cluster).here();
        ClusterTime overNodes = time(cluster);
        return ClusterVerdict.of(cluster, overNodes, here, overNodes.longestRoundTrip(here.seconds()));
    }

    /// A layer: 0.5 s of the driver, then the longest of 1 s there, 0.1 + 120/400 + 2 s and 0.2 + 80/40 + 1 s.
    @Test
    void aLayerTakesTheDriversPartAndTheLongestOfAll() {
        Cluster cluster = cluster(ENDLESS, new Link(0.1, 400), new Link(0.2, 40));
        ClusterTime time = time(cluster);
        assertEquals(2 * (0.5 + 3.2), time.seconds(), EXACT);
        assertEquals(1.0 / time.seconds(), time.tokensPerSecond().likely(), EXACT);
        assertEquals(2 * 0.5 / 7.4, time.parts().share(Part.DRIVER), EXACT);
        assertEquals(2 * 2.2 / 7.4, time.parts().share(Part.LINKS), EXACT);
        assertEquals(2 * 1.0 / 7.4, time.parts().share(Part.EXPERTS), EXACT);
        assertEquals(0, time.parts().share(Part.DISK), EXACT);
        assertEquals(0, time.parts().share(Part.IMBALANCE), EXACT);
        assertEquals(Part.LINKS, time.parts().largest());
        time.balance().forEach(layer -> assertEquals(4 / 3.0 / 2, layer, EXACT));
        ClusterTime.Load second = time.loads().get(1);
        assertEquals(new ClusterTime.Load("machine", 4, 4000, 4, 0, 4), second);
    }

    @Test
    void whatTheBusiestWorksMoreThanTheMeanIsImbalance() {
        ClusterTime time = time(cluster(ENDLESS, NO_WAY, NO_WAY));
        assertEquals(2 * (0.5 + 2), time.seconds(), EXACT);
        assertEquals(2 * (2 - 4 / 3.0) / 5, time.parts().share(Part.IMBALANCE), EXACT);
    }

    /// 200 bytes through 40 bytes/s, from when the first node could begin.
    @Test
    void nodesShareTheDriversLink() {
        Cluster cluster = cluster(40, new Link(0.1, 400), new Link(0.2, 40));
        assertEquals(2 * (0.5 + 0.2 + 1 + 5), time(cluster).seconds(), EXACT);
        ClusterVerdict verdict = verdict(cluster);
        assertFalse(verdict.paysOff());
        assertEquals(
                "a token takes 9,000 ms here, where all experts are in memory, and 13,400 ms over 2 nodes; nodes would"
                        + " not pay without any round trip either",
                verdict.sentence());
    }

    /// Everything here takes 0.5 + 4 s a layer, over nodes 0.5 + 3 s and a round trip.
    @Test
    void aboveTheBreakEvenNodesDoNotPay() {
        ClusterVerdict verdict = verdict(cluster(ENDLESS, new Link(0.1, 400), new Link(0.2, 40)));
        assertTrue(verdict.paysOff());
        assertEquals(9, verdict.here().seconds(), EXACT);
        assertEquals(1, verdict.breakEvenSeconds().orElseThrow(), EXACT);
        assertEquals(9, verdict.overNodes().secondsWithRoundTrip(1), EXACT);
        assertEquals(
                "a token takes 7,400 ms over 2 nodes and 9,000 ms here, where all experts are in memory; above a round"
                        + " trip of 1,000 ms nodes would not pay",
                verdict.sentence());
        verdict = verdict(cluster(ENDLESS, new Link(1.5, 400), new Link(0.2, 40)));
        assertEquals(2 * (0.5 + 3.8), verdict.overNodes().seconds(), EXACT);
        verdict = verdict(cluster(ENDLESS, new Link(2.5, 400), new Link(0.2, 40)));
        assertFalse(verdict.paysOff());
        assertEquals(1, verdict.breakEvenSeconds().orElseThrow(), EXACT, "does not depend on the links that there are");
    }

    /// Two experts in turn: the driver has memory for one and reads each, 10 s; two nodes have one each.
    @Test
    void whatTheDriverWouldReadFromDiskNodesHaveInMemory() {
        ClusterModel model = model(1, 2, 1);
        Choices choices =
                choices(trace(2, IntStream.range(0, 40).map(i -> i % 2).toArray()));
        Node node = new Node(machine(1000), new Link(0.25, ENDLESS));
        Cluster cluster = new Cluster(machine(0), ENDLESS, List.of(node, node));
        ClusterVerdict verdict = ClusterVerdict.of(new ClusterVerdict.Question(model, choices, cluster));
        assertEquals(0.5 + 10, verdict.here().seconds(), EXACT);
        assertEquals(0.5 + 0.25 + 1, verdict.overNodes().seconds(), EXACT);
        assertEquals(9, verdict.breakEvenSeconds().orElseThrow(), EXACT);
        assertEquals(
                "a token takes 1,750 ms over 2 nodes and 10,500 ms here, whose disk gives 100 B/s; above a round trip"
                        + " of 9,000 ms nodes would not pay",
                verdict.sentence());
        assertEquals(
                10 / 10.5,
                verdict.here().parts().share(Part.DISK) + verdict.here().parts().share(Part.EXPERTS),
                EXACT);
        assertEquals(1, verdict.here().loads().getFirst().missing(), EXACT);
    }

    @ParameterizedTest
    @ValueSource(longs = {4000, 20_000, 1_000_000_000})
    void oneNodeWithoutAWayIsTheDriverItself(long ramBytes) {
        Choices choices = choices(TestData.trace("gpt-oss-20b_misc_small"));
        ClusterModel model = model(24, 32, 4);
        Machine machine = machine(ramBytes);
        Cluster cluster = new Cluster(machine, ENDLESS, List.of(new Node(machine, NO_WAY)));
        int[][] all = new int[24][32];
        Arrays.stream(all).forEach(layer -> Arrays.fill(layer, 1));
        assertEquals(
                Replay.of(model, choices, cluster.alone(), Owners.alone(model)).seconds(),
                Replay.of(model, choices, cluster, Owners.of(all)).seconds(),
                EXACT);
    }

    @Test
    void whatIsFasterNeverTakesLonger() {
        ClusterModel model = model(1, 32, 1);
        Random random = new Random(5);
        int[] text = IntStream.range(0, 800)
                .map(_ -> random.nextInt(1 + random.nextInt(32)))
                .toArray();
        for (Choices choices : List.of(choices(trace(32, text)), Choices.even(model))) {
            double[] last = {ENDLESS, ENDLESS, ENDLESS, ENDLESS};
            for (double faster : new double[] {1, 2, 10, 1000}) {
                double[] now = {
                    seconds(model, choices, new Link(0.1, 40 * faster), 1000, 100),
                    seconds(model, choices, new Link(0.1, 400), 1000 * faster, 100),
                    seconds(model, choices, new Link(0.1, 400), 1000, 100 * faster),
                    seconds(model, choices, new Link(0.1 / faster, 400), 1000, 100)
                };
                for (int i = 0; i < now.length; i++) {
                    assertTrue(now[i] <= last[i] + EXACT, i + ": " + now[i] + " after " + last[i]);
                }
                last = now;
            }
        }
    }

    private static double seconds(ClusterModel model, Choices choices, Link link, double memory, double disk) {
        Machine machine = machine(3000, memory, disk);
        Node node = new Node(machine, link);
        Cluster cluster = new Cluster(machine, ENDLESS, List.of(node, node, node));
        int[][] owners = new int[1][32];
        Arrays.setAll(owners[0], expert -> expert % 4);
        return Replay.of(model, choices, cluster, Owners.of(owners)).seconds();
    }

    /// What the busiest node does falls with every doubling, while a token has experts for all.
    @Test
    void moreNodesHaveLessToDo() {
        ClusterModel model = model(8, 64, 8);
        Choices choices = Choices.even(model);
        double last = ENDLESS;
        for (int count = 1; count <= 64; count *= 2) {
            Node node = new Node(machine(model.allExpertBytes()), new Link(0.01, ENDLESS));
            Cluster cluster = new Cluster(machine(0), ENDLESS, Collections.nCopies(count, node));
            ClusterTime time = new ClusterVerdict.Question(model, choices, cluster).overNodes();
            List<ClusterTime.Load> nodes = time.loads().subList(1, count + 1);
            double most = nodes.stream()
                    .mapToDouble(ClusterTime.Load::busySeconds)
                    .max()
                    .orElseThrow();
            double all =
                    nodes.stream().mapToDouble(ClusterTime.Load::busySeconds).sum();
            assertEquals(64, all, EXACT, "a token needs 64 experts of a second each");
            assertTrue(most < 0.7 * last, most + " after " + last);
            assertTrue(most <= 1.2 * 64 / count, most + " of the busiest of " + count);
            last = most;
        }
    }

    /// Of two machines that have an expert, the nearer computes it, unless it has more to do than the way takes.
    @Test
    void ofTwoCopiesTheSoonerIsAsked() {
        ClusterModel model = model(1, 2, 2);
        Choices choices = Choices.even(model);
        for (double roundTrip : new double[] {0.5, 1.5}) {
            Node node = new Node(machine(2000), new Link(roundTrip, ENDLESS));
            Cluster cluster = new Cluster(machine(2000), ENDLESS, List.of(node));
            ClusterTime time = new ClusterVerdict.Question(model, choices, cluster).overNodes();
            assertEquals(0.5 + Math.min(2, 1 + roundTrip), time.seconds(), EXACT);
        }
    }

    /// Everything fits here, so that far nodes would have nothing to do: the break-even is that of nearer ones.
    @Test
    void theBreakEvenDoesNotDependOnHowFarNodesAre() {
        ClusterModel model = model(1, 2, 2);
        for (double roundTrip : new double[] {0.5, 1, 50}) {
            Node node = new Node(machine(2000), new Link(roundTrip, ENDLESS));
            Cluster cluster = new Cluster(machine(2000), ENDLESS, List.of(node));
            ClusterVerdict verdict =
                    ClusterVerdict.of(new ClusterVerdict.Question(model, Choices.even(model), cluster));
            assertEquals(1, verdict.breakEvenSeconds().orElseThrow(), 0.01, "" + roundTrip);
            assertEquals(roundTrip < 1, verdict.paysOff());
        }
    }

    /// The first two are too far to be of use, the others are not.
    @Test
    void nodesAreNotEnoughWhereFourTimesAsManyHelp() {
        ClusterModel model = model(4, 8, 2);
        Node far = new Node(machine(64_000), new Link(1e6, ENDLESS));
        Node near = new Node(machine(64_000), NO_WAY);
        ClusterPlan plan = ClusterPlan.of(new ClusterPlan.Question(
                model,
                Choices.even(model),
                new Cluster(machine(0), ENDLESS, List.of()),
                List.of(far, far, near, near),
                List.of(1, 2, 4)));
        assertEquals(Optional.empty(), plan.enough());
        double gain =
                plan.rows().get(0).time().seconds() / plan.rows().get(1).time().seconds() - 1;
        assertTrue(gain < 0.05, "" + gain);
    }

    @Test
    void whenMoreNodesStopHelpingIsSaid() {
        ClusterModel model = model(4, 8, 2);
        Node node = new Node(machine(64_000), new Link(2, ENDLESS));
        ClusterPlan plan = ClusterPlan.of(new ClusterPlan.Question(
                model,
                Choices.even(model),
                new Cluster(machine(0), ENDLESS, List.of()),
                List.of(node),
                List.of(1, 2, 4, 8)));
        assertEquals(
                List.of(1, 2, 4, 8),
                plan.rows().stream().map(ClusterPlan.Row::nodes).toList());
        ClusterPlan.Enough enough = plan.enough().orElseThrow();
        assertEquals(Part.LINKS, enough.reason());
        assertTrue(enough.gain() < 0.05, "" + enough);
        assertThrows(
                IllegalArgumentException.class,
                () -> new ClusterPlan.Question(
                        model,
                        Choices.even(model),
                        new Cluster(machine(0), 1, List.of()),
                        List.of(node),
                        List.of(2, 2)));
    }

    @Test
    void drawnChoicesFollowUses() {
        long[][] used = {{0, 90, 10, 0}, {1, 1, 1, 1}};
        Choices choices = Choices.byUse(used, 1);
        int[] counts = new int[4];
        int[] chosen = new int[1];
        for (int token = 0; token < choices.tokens(); token++) {
            assertEquals(1, choices.copy(token, 0, chosen, new float[1]));
            counts[chosen[0]]++;
        }
        assertEquals(0, counts[0] + counts[3]);
        assertTrue(counts[1] > 5 * counts[2] && counts[2] > 0, () -> Arrays.toString(counts));
    }

    @Test
    void choicesOfAnotherModelAreRefused() {
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class,
                () -> Replay.of(FOUR, Choices.even(model(3, 4, 4)), cluster(1, NO_WAY, NO_WAY), ONE_TWO_ONE));
        assertEquals(
                "choices in 3 layers of 4 experts, top 4, but the model has 2 layers of 4, top 4",
                refused.getMessage());
        Stream.<Runnable>of(
                        () -> new Link(-1, 1),
                        () -> new Link(0, 0),
                        () -> machine(-1),
                        () -> new Cluster(machine(0), 0, List.of()))
                .forEach(each -> assertThrows(IllegalArgumentException.class, each::run));
    }

    private static Choices choices(Path trace) {
        try (TraceReader reader = TraceReader.open(trace)) {
            return Choices.of(reader);
        }
    }

    private Path trace(int count, int... experts) {
        Path file = directory.resolve("trace.jsonl.gz");
        TraceHeader header = TraceHeader.of("text", count, 1, List.of(0), "");
        try (TraceRecorder recorder = new TraceRecorder(file, header)) {
            for (int i = 0; i < experts.length; i++) {
                recorder.record(new TraceToken(
                        0,
                        i,
                        OptionalInt.of(i),
                        Phase.DECODE,
                        new int[][] {{experts[i]}},
                        Optional.empty(),
                        Optional.empty()));
            }
            recorder.finish();
        }
        return file;
    }
}
