package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole clusters in one process: however many nodes there are and whatever they have, all logits have the bits of one
/// machine's.
class ClusterDriveTest {
    /// Latents, weighted inputs, biases, identities, shared experts and dense layers are among them.
    private static final List<String> FAMILIES = List.of(
            "olmoe",
            "gpt_oss",
            "llama4_scout",
            "nemotron_h_moe_latent",
            "longcat_flash",
            "deepseek_v3",
            "qwen3_next",
            "granitemoehybrid",
            "dbrx",
            "glm4_moe");

    private static final String MODEL = "tiny-mixtral";

    @TempDir
    static Path stores;

    @TempDir
    Path folder;

    @Test
    void everyFamilyGivesTheSameBitsOnAnyNumberOfNodes() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            for (int numNodes = 1; numNodes <= 3; numNodes++) {
                cluster.start("node " + numNodes);
                requireSameBits(cluster, MODEL);
                for (int i = numNodes - 1; i < FAMILIES.size(); i += 3) {
                    requireSameBits(cluster, FAMILIES.get(i));
                }
            }
            cluster.start("node 4");
            cluster.start("node 5");
            requireSameBits(cluster, MODEL);
        }
    }

    /// They fetch what is theirs from the driver, whose folder cannot be read otherwise.
    @Test
    void certificatesTakeThePlaceOfASecret() throws Exception {
        try (TestCluster cluster = TestCluster.withCertificates(folder, certificates())) {
            cluster.start("a");
            requireSameBits(cluster, MODEL);
        }
    }

    private Path certificates() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("tls"));
        for (String name : List.of("ca.pem", "cert.pem", "key.pem")) {
            Path file = copy.resolve(name);
            Files.copy(TestData.root().resolve("tls/cluster").resolve(name), file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        }
        return copy;
    }

    /// Nodes begin without any expert, fetch what they are to have, and are asked from then on.
    private static void requireSameBits(TestCluster cluster, String name) throws InterruptedException {
        Path store = Text.store(stores, name);
        int[] expected = Text.alone(store);
        TestCluster.Driving driving = cluster.driving(false);
        try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
            requireSameBits(expected, engine);
            cluster.eventually(
                    () -> driving.driver().work().size() == cluster.names().size());
        }
    }

    private static void requireSameBits(int[] expected, Engine engine) throws InterruptedException {
        long before = engine.stats().nodeExperts();
        TestCluster.await(() -> {
            assertArrayEquals(expected, Text.bits(engine));
            return engine.stats().nodeExperts() >= before + 50;
        });
    }

    @Test
    void twoDriversAtOnceGetWhatIsTheirs() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("a");
            cluster.start("b");
            for (String other : List.of(MODEL, "olmoe")) {
                Path one = Text.store(stores, MODEL);
                Path two = Text.store(stores, other);
                int[] bitsOfOne = Text.alone(one);
                int[] bitsOfTwo = Text.alone(two);
                CountDownLatch there = new CountDownLatch(2);
                CompletableFuture<Void> beside =
                        CompletableFuture.runAsync(() -> drive(cluster, one, bitsOfOne, there));
                drive(cluster, two, bitsOfTwo, there);
                beside.get();
                cluster.eventually(cluster::holdsNothing);
            }
        }
    }

    private static void drive(TestCluster cluster, Path store, int[] expected, CountDownLatch there) {
        try (Engine engine = Engine.open(store, Text.least(store).withNodes(cluster.driving(false)))) {
            there.countDown();
            there.await();
            for (int i = 0; i < 2; i++) {
                requireSameBits(expected, engine);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// What came once is found again by nodes that start anew.
    @Test
    void aClusterThatStartsAgainFindsItsExpertsOnDisk() throws Exception {
        Path store = Text.store(stores, MODEL);
        int[] expected = Text.alone(store);
        for (int time = 0; time < 2; time++) {
            try (TestCluster cluster = TestCluster.withSecret(folder)) {
                cluster.start("a");
                TestCluster.Driving driving = cluster.driving(false);
                try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                    cluster.eventually(() -> cluster.models("a").contains(": 128 of 128 experts, 1 driver"));
                    requireSameBits(expected, engine);
                }
                assertEquals(
                        time == 1,
                        cluster.said.stream().anyMatch(sentence -> sentence.contains(": 128 of 128 experts are on")),
                        cluster.said::toString);
                cluster.eventually(cluster::holdsNothing);
            }
        }
    }

    /// Somebody may ask a driver to do without a node as soon as it is a member.
    @Test
    void aDriverThatIsStillGatheringNodesHearsWhoIsToLeave() throws Exception {
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            Membership node = cluster.start("a").membership();
            byte[] id = node.self().id().getBytes(StandardCharsets.UTF_8);
            List<CompletableFuture<byte[]>> asked = new ArrayList<>();
            TestCluster.Driving driving = cluster.driving(false);
            driving.beforeOpening = _ -> {
                assertDoesNotThrow(() -> TestCluster.await(() -> node.members().size() == 2));
                Member driver = node.members().getLast();
                asked.add(node.tasks().submit(driver, ClusterDrive.WITHOUT, id));
                CompletableFuture<byte[]> next = node.tasks().submit(driver, "what nobody does", id);
                assertThrows(CompletionException.class, next::join);
            };
            Path store = Text.store(stores, MODEL);
            try (Engine _ = Engine.open(store, Text.least(store).withNodes(driving))) {
                assertEquals(0, asked.getFirst().get().length);
                assertTrue(driving.says("node a is to leave"), driving.said::toString);
            }
        }
    }

    @Test
    void whoComputesOtherBitsOrIsAnotherProgramIsLeftOut() throws Exception {
        Path store = Text.store(stores, MODEL);
        int[] expected = Text.alone(store);
        try (TestCluster cluster = TestCluster.withSecret(folder)) {
            cluster.start("same");
            cluster.start("plain", TestCluster.VERSION, KernelChoice.PLAIN);
            cluster.start("old", "0", KernelChoice.AUTO);
            TestCluster.Driving driving = cluster.driving(false);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(driving))) {
                requireSameBits(expected, engine);
                cluster.eventually(() -> driving.driver().work().size() == 1);
                cluster.eventually(() -> driving.says("node old is left out"));
                cluster.eventually(() -> driving.says("runs version 0"));
                cluster.eventually(() -> driving.says("node plain is left out"));
            }
            TestCluster.Driving mixed = cluster.driving(true);
            try (Engine engine = Engine.open(store, Text.least(store).withNodes(mixed))) {
                cluster.eventually(() -> mixed.driver().work().size() == 2);
                cluster.eventually(() -> mixed.says("node plain: its kernels ("));
                assertEquals(expected.length, Text.bits(engine).length);
            }
        }
    }
}
