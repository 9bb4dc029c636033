package io.moetier.cluster.drive;

import io.moetier.runtime.session.Engine;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A driver in a process of its own, which computes one text after another on nodes until it is killed.
final class DriverProcess implements AutoCloseable {
    private final ChildProcess child;

    private DriverProcess(ChildProcess child) {
        this.child = child;
    }

    static DriverProcess start(Path secret, Path store, String join) throws IOException {
        return new DriverProcess(
                NodeProcess.java(DriverProcess.class, List.of(secret.toString(), store.toString(), join)));
    }

    /// Waits until nodes have computed for it.
    void awaitNodes() throws IOException {
        NodeProcess.awaitHere(child);
    }

    /// Ends it at once, as a machine does that loses its power.
    void kill() {
        child.process().destroyForcibly();
    }

    @Override
    public void close() {
        child.close();
    }

    public static void main(String[] arguments) throws IOException {
        Path store = Path.of(arguments[1]);
        ClusterDrive drive = new ClusterDrive(
                TestCluster.belonging(0, List.of(arguments[2]), Optional.of(Path.of(arguments[0])), Optional.empty()),
                "driver",
                new ClusterDrive.How(TestCluster.VERSION, false, 1, 1e9, 1e8, Optional.empty(), Optional.empty()),
                _ -> {});
        try (Engine engine = Engine.open(store, Text.least(store).withNodes(drive))) {
            boolean told = false;
            while (true) {
                Text.bits(engine);
                if (!told && engine.stats().nodeExperts() > engine.stats().nodeMisses()) {
                    System.out.println("here");
                    told = true;
                }
            }
        }
    }
}
