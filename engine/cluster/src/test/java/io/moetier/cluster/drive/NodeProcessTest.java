package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.runtime.session.Engine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A node in another process that dies or stops in the middle of a token: the text goes on with the same bits.
class NodeProcessTest {
    @TempDir
    Path folder;

    @Test
    void aNodeThatIsKilledOrHangsInTheMiddleOfATokenChangesNoBit() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("first");
            try (NodeProcess killed = process(cluster, "one");
                    NodeProcess hung = process(cluster, "two")) {
                Path store = Text.store(folder, "tiny-mixtral");
                int[] expected = Text.alone(store);
                killed.awaitMember();
                hung.awaitMember();
                requireSameBits(cluster, store, expected, killed, hung);
            }
        }
    }

    private static void requireSameBits(
            TestCluster cluster, Path store, int[] expected, NodeProcess killed, NodeProcess hung)
            throws InterruptedException {
        TestCluster.Driving driving = cluster.driving(false);
        try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
            cluster.eventually(() -> {
                assertArrayEquals(expected, Text.bits(engine));
                return driving.driver().uses().stream()
                                .filter(NodeProcessTest::isOfUse)
                                .map(NodeUse::name)
                                .distinct()
                                .count()
                        == 3;
            });
            assertArrayEquals(expected, bits(engine, killed, NodeProcess::kill));
            cluster.eventually(() -> driving.says("node one is gone"));
            assertArrayEquals(expected, bits(engine, hung, NodeProcess::hang));
            cluster.eventually(() -> driving.says("node two is gone"));
            assertArrayEquals(expected, Text.bits(engine));
        }
    }

    private NodeProcess process(TestCluster cluster, String name) throws IOException {
        return NodeProcess.start(name, TestCluster.secretFile(folder), folder.resolve(name), cluster.place());
    }

    private static boolean isOfUse(NodeUse use) {
        return use.numExperts() > use.numMissing();
    }

    /// Something befalls a node in the second layer of the third token that is decoded.
    private static int[] bits(Engine engine, NodeProcess node, Consumer<NodeProcess> fault) {
        AtomicInteger numLayers = new AtomicInteger();
        int middle = 3 * engine.spec().moeLayers().size() + 1;
        return Text.bits(engine, () -> {
            if (numLayers.incrementAndGet() == middle) {
                fault.accept(node);
            }
        });
    }
}
