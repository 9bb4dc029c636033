package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.jgroups.Wall;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.placement.Placement;
import io.moetier.runtime.session.Engine;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole machines that are out of reach, slow or dead: the bits stay, and what is there is used.
class ClusterPartsTest {
    private static final double FAST = 1e6; // bytes/s: an expert takes far longer than any round trip
    private static final double SLOW = FAST / 10;

    @TempDir
    static Path stores;

    private static Path store;
    private static String model;
    private static int[] expected;

    @TempDir
    Path folder;

    @BeforeAll
    static void importModel() {
        store = Text.store(stores, "tiny-mixtral");
        model = StoreManifest.read(store).expertsDigest();
        expected = Text.alone(store);
    }

    /// The driver and one node are on one side, another node on the other.
    @Test
    void aNetworkThatIsCutInTwoAndMendedLeavesTheBits() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            Membership a = cluster.start("a").membership();
            Membership b = cluster.start("b").membership();
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return computed(driving, "a") > 0 && computed(driving, "b") > 0;
                });
                cluster.eventually(() -> a.members().size() == 3 && b.members().size() == 3);
                Wall wall = Wall.around(b, a);
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return driving.says("node b is gone");
                });
                cluster.eventually(() -> b.members().size() == 1);
                cluster.eventually(() -> cluster.models("b").isEmpty());
                long ofA = computed(driving, "a");
                long ofB = computed(driving, "b");
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return computed(driving, "a") > ofA;
                });
                assertEquals(ofB, computed(driving, "b"));
                wall.fall();
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return computed(driving, "b") > ofB;
                });
                cluster.eventually(() -> Arrays.equals(table(a), table(b)));
            }
            cluster.eventually(cluster::holdsNothing);
        }
    }

    /// Returns how many experts a node has computed for a driver, in all.
    private static long computed(TestCluster.Driving driving, String node) {
        return driving.driver().work().stream()
                .filter(work -> work.name().equals(node))
                .mapToLong(work -> work.experts().asked() - work.experts().missing())
                .sum();
    }

    private static byte[] table(Membership member) {
        return member.ownership().table(model).orElseThrow();
    }

    /// What a node says of its speed counts, where an expert takes so long that ways do not.
    @Test
    void aNodeThatIsTenTimesAsSlowGetsASmallShareOfTheExperts() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            ClusterNode fast = cluster.start("fast", FAST);
            cluster.start("slow", SLOW);
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                TestCluster.await(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return computed(driving, "fast") > 0;
                });
                Placement placement = Placement.parse(table(fast.membership()));
                long ofFast = numFirst(placement, "fast");
                long ofSlow = numFirst(placement, "slow");
                assertTrue(ofFast > 4 * ofSlow, () -> ofFast + " and " + ofSlow + " of " + placement);
            }
        }
    }

    /// Returns how many experts a member is asked for first.
    private static long numFirst(Placement placement, String member) {
        int number = placement.members().indexOf(member);
        return Arrays.stream(placement.ids())
                .filter(id -> placement.owner(ExpertId.layerOf(id), ExpertId.expertOf(id), 0) == number)
                .count();
    }

    /// Who comes after one whose process was killed finds all memory free, and every expert on the disks of nodes.
    @Test
    void aDriverThatIsKilledLeavesEverythingToTheNext() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("a");
            cluster.start("b");
            try (DriverProcess driver = DriverProcess.start(TestCluster.secretFile(folder), store, cluster.place())) {
                driver.awaitNodes();
                cluster.eventually(() -> cluster.models("a").contains("1 driver")
                        && cluster.models("b").contains("1 driver"));
                driver.kill();
                cluster.eventually(cluster::holdsNothing);
            }
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return computed(driving, "a") > 0 && computed(driving, "b") > 0;
                });
                for (String node : cluster.names()) {
                    cluster.eventually(() -> cluster.models(node).contains(": 128 of 128 experts, 1 driver"));
                }
            }
            cluster.eventually(cluster::holdsNothing);
        }
    }

    /// Some that no other test of whole clusters has.
    @Test
    void fiveNodesGiveTheBitsOfOneMachine() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            List<String> nodes = List.of("a", "b", "c", "d", "e");
            for (String node : nodes) {
                cluster.start(node);
            }
            for (String family : List.of("mixtral", "qwen2_moe", "minimax_m2", "lfm2_moe")) {
                Path familyStore = Text.store(stores, family);
                int[] alone = Text.alone(familyStore);
                TestCluster.Driving driving = cluster.driving(false);
                try (Engine engine =
                        Engine.open(familyStore, Text.least(familyStore).withNodes(driving))) {
                    cluster.eventually(() -> {
                        assertArrayEquals(alone, Text.bits(engine));
                        return driving.driver().work().size() == nodes.size()
                                && engine.stats().nodeExperts() > engine.stats().nodeMisses() + 50;
                    });
                }
                cluster.eventually(cluster::holdsNothing);
            }
        }
    }
}
