package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.moetier.runtime.session.Engine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A node in another process that dies or stops in the middle of a token: the text goes on with the same bits.
class NodeProcessTest {
    @TempDir
    Path folder;

    @Test
    void aNodeThatIsKilledOrHangsInTheMiddleOfATokenChangesNoBit() throws Exception {
        Path store = Text.store(folder, "tiny-mixtral");
        int[] expected = Text.alone(store);
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("first");
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                requireSameBits(cluster, driving, engine, expected, NodeProcess::kill);
                requireSameBits(cluster, driving, engine, expected, NodeProcess::hang);
            }
        }
    }

    /// What befalls a node.
    private interface Fault {
        void befalls(NodeProcess node);
    }

    private void requireSameBits(
            TestCluster cluster, TestCluster.Driving driving, Engine engine, int[] expected, Fault fault)
            throws IOException, InterruptedException {
        int numBefore = driving.driver().uses().size();
        driving.said.clear();
        try (NodeProcess node =
                NodeProcess.start(TestCluster.secretFile(folder), folder.resolve("process"), cluster.place())) {
            cluster.eventually(() -> driving.driver().uses().size() > numBefore);
            NodeUse use = driving.driver().uses().getLast();
            cluster.eventually(() -> {
                assertArrayEquals(expected, Text.bits(engine));
                return use.numExperts() > use.numMissing();
            });
            assertFalse(driving.says("is gone"), driving.said::toString);
            AtomicInteger numLayers = new AtomicInteger();
            int middle = 3 * engine.spec().moeLayers().size() + 1; // the second layer of the third token decoded
            assertArrayEquals(expected, Text.bits(engine, () -> {
                if (numLayers.incrementAndGet() == middle) {
                    fault.befalls(node);
                }
            }));
            cluster.eventually(() -> driving.says("node process is gone"));
            assertArrayEquals(expected, Text.bits(engine));
        }
    }
}
