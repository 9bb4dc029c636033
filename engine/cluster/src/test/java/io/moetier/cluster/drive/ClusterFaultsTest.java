package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.cluster.placement.Placement;
import io.moetier.cluster.relay.Relay;
import io.moetier.runtime.session.Engine;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever befalls nodes, the bits stay.
class ClusterFaultsTest {
    private static final int MIN_DAMAGED_BYTES = 4096;
    private static final int BETWEEN_DAMAGES = 64 << 10; // less than a block
    private static final String MODEL = "tiny-mixtral";

    @TempDir
    static Path stores;

    private static Path store;
    private static int[] expected;

    @TempDir
    Path folder;

    @BeforeAll
    static void importModel() {
        store = Text.store(stores, MODEL);
        expected = Text.alone(store);
    }

    /// Nodes leave and return, lose their connections, stop, slow down and lose blocks, at any moment.
    @Test
    void nodesThatComeAndGoLeaveTheBitsAsTheyWere() {
        Seeds.each(1, (seed, random) -> {
            try (TestCluster cluster = TestCluster.withSecret(Files.createDirectory(folder.resolve("seed " + seed)))) {
                for (int i = 0; i < 3; i++) {
                    cluster.start("node " + i);
                }
                try (Engine engine = Engine.open(store, Text.least(store).withNodes(cluster.driving(false)))) {
                    AtomicBoolean isOver = new AtomicBoolean();
                    CompletableFuture<Void> chaos = CompletableFuture.runAsync(() -> {
                        for (int i = 0; i < 200 && !isOver.get(); i++) {
                            befall(cluster, random);
                        }
                    });
                    try {
                        do {
                            assertArrayEquals(expected, Text.bits(engine));
                        } while (!chaos.isDone());
                    } finally {
                        isOver.set(true);
                        var _ = chaos.exceptionally(_ -> null).join();
                    }
                    chaos.get();
                    cluster.eventually(() -> {
                        assertArrayEquals(expected, Text.bits(engine));
                        return engine.stats().nodeExperts() > 0;
                    });
                }
                cluster.eventually(cluster::holdsNothing);
            }
        });
    }

    private static void befall(TestCluster cluster, SplittableRandom random) {
        try {
            String name = "node " + random.nextInt(1, 3); // the first one is where others find the cluster
            if (!cluster.names().contains(name)) {
                cluster.start(name);
                return;
            }
            Relay relay = cluster.relay(name);
            switch (random.nextInt(16)) {
                case 0 -> cluster.stop(name);
                case 1, 2, 3 -> relay.cut();
                case 4, 5, 6, 7 -> relay.mend();
                case 8, 9 -> relay.delay(2000);
                case 10, 11 -> relay.delay(0);
                case 12, 13 -> {
                    relay.stall();
                    Thread.sleep(random.nextInt(20));
                    relay.resume();
                }
                default -> damage(cluster.folder(name), random);
            }
            Thread.sleep(random.nextInt(20));
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// Writes over some bytes of what a node keeps.
    private static void damage(Path folder, SplittableRandom random) throws IOException {
        List<Path> files = extents(folder);
        if (files.isEmpty()) {
            return;
        }
        try (FileChannel file = FileChannel.open(files.get(random.nextInt(files.size())), StandardOpenOption.WRITE)) {
            if (file.size() < MIN_DAMAGED_BYTES) {
                return; // it is being made
            }
            long from = file.size() / 2 + random.nextLong(file.size() / 2 - 64);
            file.write(ByteBuffer.allocate(64).put(0, new byte[] {1, 2, 3}), from);
        }
    }

    /// Returns the files that are there, while a node deletes others, such as its lock.
    private static List<Path> extents(Path folder) throws IOException {
        List<Path> found = new ArrayList<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".cm3")) {
                    found.add(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
        return found;
    }

    /// The damaged block is said, is computed here, comes anew, and is asked of the node again.
    @Test
    void aDamagedBlockComesAnew() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("a");
            try (Engine _ = Engine.open(store, Text.least(store).withNodes(cluster.driving(false)))) {
                cluster.eventually(() -> cluster.models("a").contains(": 128 of 128 experts"));
            }
            cluster.eventually(cluster::holdsNothing);
            overwrite(cluster.folder("a"));
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                cluster.eventually(() -> {
                    assertArrayEquals(expected, Text.bits(engine));
                    return cluster.said.stream().anyMatch(sentence -> sentence.contains("checksum"));
                });
                cluster.eventually(() -> cluster.models("a").contains(": 128 of 128 experts"));
                cluster.eventually(() -> takesAll(cluster, driving.driver()));
                cluster.eventually(() -> {
                    long missed = engine.stats().nodeMisses();
                    long computed = engine.stats().nodeExperts();
                    assertArrayEquals(expected, Text.bits(engine));
                    return engine.stats().nodeExperts() > computed
                            && engine.stats().nodeMisses() == missed;
                });
            }
        }
    }

    /// Says whether a node is asked for all that is not the driver's own.
    private static boolean takesAll(TestCluster cluster, ClusterDriver driver) {
        String model = StoreManifest.read(store).expertsDigest();
        Placement placement = Placement.parse(
                cluster.node("a").membership().ownership().table(model).orElseThrow());
        return Arrays.stream(placement.ids())
                .allMatch(id -> placement.owner(ExpertId.layerOf(id), ExpertId.expertOf(id), 0) == Placement.DRIVER
                        || driver.takes(id));
    }

    /// Writes over a part of each block in the second half of what a node keeps: of some that a text is sure to
    /// need, in whichever order they came.
    private static void overwrite(Path folder) throws IOException {
        byte[] damage = "damaged".getBytes(StandardCharsets.UTF_8);
        for (Path path : extents(folder)) {
            try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
                for (long at = file.size() / 2; at < file.size() - damage.length; at += BETWEEN_DAMAGES) {
                    file.write(ByteBuffer.wrap(damage), at);
                }
            }
        }
    }

    /// Whose connection is cut takes its driver for gone, and holds nothing any more.
    @Test
    void aDriverThatDiesLeavesNothingBehind() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("a");
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(cluster.driving(false)))) {
                cluster.eventually(() -> !cluster.holdsNothing());
                cluster.relay("a").cut();
                cluster.eventually(cluster::holdsNothing);
                assertArrayEquals(expected, Text.bits(engine));
                cluster.relay("a").mend();
                cluster.eventually(() -> !cluster.holdsNothing());
                assertArrayEquals(expected, Text.bits(engine));
            }
            cluster.eventually(cluster::holdsNothing);
        }
    }
}
