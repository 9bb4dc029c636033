package io.moetier.cluster.node;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.copy.BlockSource;
import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.link.NodeService;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.spec.ExpertParts;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What a node does for drivers, without any of the ways to them.
@Timeout(600)
class NodeHostTest {
    private static final long RAM_BYTES = 1 << 20;

    @TempDir
    static Path folder;

    private static Path store;
    private static StoreManifest manifest;

    private final CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
    private final List<String> said = new CopyOnWriteArrayList<>();
    private final NodeHost host = host(RAM_BYTES, NodeHostTest::openWhole);

    @BeforeAll
    static void importModel() {
        store = folder.resolve("model.mtier");
        try (ModelSource source = ModelSource.open(TestData.tinyMixtral())) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, _ -> {});
        }
        manifest = StoreManifest.read(store);
    }

    @AfterEach
    void close() {
        device.close();
    }

    private NodeHost host(long ramBytes, NodeStores stores) {
        NodeHost.Node node = new NodeHost.Node("node", "1", "bits", 1, ramBytes, 1e9, 1e9);
        return new NodeHost(node, stores, device, (_, _) -> Optional.empty(), said::add);
    }

    private static NodeStore openWhole(StoreManifest asked) throws IOException {
        return NodeStore.open(List.of(store), folder.resolve("parts"), asked);
    }

    private static NodeStore openParts(StoreManifest asked) throws IOException {
        return NodeStore.open(List.of(), folder.resolve("parts"), asked);
    }

    private static Hello hello(String version, String kernels, boolean mixed) {
        Map<Integer, FfnActivation> activations = new TreeMap<>();
        manifest.experts().forEach(entry -> activations.put(entry.id().layer(), FfnActivation.SWIGLU));
        return new Hello(version, kernels, mixed, manifest.expertsDigest(), manifest.bytes(), activations);
    }

    private NodeService.Guest open() {
        return open(host);
    }

    private static NodeService.Guest open(NodeHost host) {
        return host.open(hello("1", "bits", false), _ -> {});
    }

    /// A source that is asked for an expert holds what the fetching threads share.
    private static final class Asked implements BlockSource {
        final Set<Integer> ids = ConcurrentHashMap.newKeySet();
        final CountDownLatch first = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);

        @Override
        public String name() {
            return "nobody";
        }

        @Override
        public boolean has(int id) {
            ids.add(id);
            first.countDown();
            Uninterrupted.await(goOn::await);
            return false;
        }

        @Override
        public void read(int id, MemorySegment destination) {
            throw new AssertionError("it has nothing");
        }
    }

    private static Thread assigning(NodeService.Guest guest, int... ids) {
        return Thread.ofPlatform().name("assigning " + ids[0]).start(() -> guest.assign(ids));
    }

    /// Returns the name of the thread that keeps another one waiting, none if it has ended.
    private static String holder(Thread waiting, String... names) {
        Set<String> expected = Set.of(names);
        while (waiting.isAlive()) {
            ThreadInfo info = ManagementFactory.getThreadMXBean().getThreadInfo(waiting.threadId());
            String owner = String.valueOf(info == null ? null : info.getLockOwnerName());
            if (expected.contains(owner)) {
                return owner;
            }
            Thread.onSpinWait();
        }
        return "";
    }

    @Test
    void aFolderThatCannotBeReadIsNamedWithTheReason() {
        NodeHost without = host(RAM_BYTES, _ -> {
            throw new AccessDeniedException("/parts/digest");
        });
        assertEquals(
                "/parts/digest: permission denied",
                assertThrows(RefusedException.class, () -> open(without)).getMessage());
    }

    @Test
    void whatIsAssignedLastIsFetched() throws InterruptedException {
        int[] all =
                manifest.experts().stream().mapToInt(entry -> entry.id().pack()).toArray();
        Asked asked = new Asked();
        NodeHost parts = host(RAM_BYTES, NodeHostTest::openParts);
        parts.sources(_ -> List.of(asked));
        try (NodeService.Guest first = open(parts);
                NodeService.Guest second = open(parts)) {
            first.assign(new int[] {all[0]});
            asked.first.await();
            Thread older = assigning(first, all[1]);
            String fetching = holder(older, "moetier-fetch-1", "moetier-fetch-2", "moetier-fetch-3", "moetier-fetch-4");
            Thread newer = assigning(second, all[2]);
            String holder = holder(newer, older.getName(), fetching);
            asked.goOn.countDown();
            assertEquals(older.getName(), holder);
            older.join();
            newer.join();
            while (!asked.ids.containsAll(List.of(all[1], all[2]))) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void aModelIsHeldFromItsFirstDriversComingToItsLastOnesLeaving() {
        try (NodeService.Guest first = open()) {
            assertEquals(RAM_BYTES, first.welcome().ramBytes());
            assertEquals(manifest.experts().size(), first.welcome().onDisk().length);
            try (NodeService.Guest second = open()) {
                assertEquals(RAM_BYTES, second.welcome().ramBytes());
                assertTrue(host.models().getFirst().endsWith(", 2 drivers"), host.models()::toString);
            }
            assertTrue(host.models().getFirst().endsWith(", 1 driver"), host.models()::toString);
        }
        assertEquals(List.of(), host.models());
        try (NodeService.Guest again = open()) {
            assertEquals(RAM_BYTES, again.welcome().ramBytes());
        }
    }

    @Test
    void filesAreOpenAsLongAsAModelIsHeld() throws IOException {
        NodeHost parts = host(RAM_BYTES, NodeHostTest::openParts);
        NodeService.Guest guest = open(parts);
        assertThrows(IOException.class, () -> openParts(manifest), "another one keeps experts there");
        guest.close();
        openParts(manifest).close();
        assertThrows(RefusedException.class, () -> open(host(1, NodeHostTest::openParts)));
        openParts(manifest).close();
    }

    @Test
    void whoeverReadsBlocksKeepsFilesOpen() throws IOException {
        NodeHost parts = host(RAM_BYTES, NodeHostTest::openParts);
        NodeService.Guest guest = open(parts);
        Thread leaving = Thread.ofPlatform().unstarted(guest::close);
        Optional<MemorySegment> read = parts.read(manifest.expertsDigest(), there -> {
            leaving.start();
            while (!parts.models().isEmpty()) {
                Thread.onSpinWait();
            }
            assertThrows(IOException.class, () -> openParts(manifest));
            return MemorySegment.NULL;
        });
        assertEquals(Optional.of(MemorySegment.NULL), read);
        assertEquals(Optional.empty(), parts.read(manifest.expertsDigest(), _ -> MemorySegment.NULL));
        Uninterrupted.join(leaving);
        openParts(manifest).close();
    }

    @Test
    void nobodyWaitsForAModelToBeOpenedButWhoComesAsWell() throws InterruptedException {
        CountDownLatch opening = new CountDownLatch(1);
        CountDownLatch others = new CountDownLatch(1);
        NodeHost slow = host(RAM_BYTES, asked -> {
            opening.countDown();
            Uninterrupted.await(others::await);
            return openParts(asked);
        });
        Thread first = Thread.ofPlatform().start(() -> open(slow).close());
        opening.await();
        Thread second = Thread.ofPlatform().start(() -> open(slow).close());
        slow.sources(_ -> List.of());
        assertEquals(List.of(), slow.models());
        assertEquals(Optional.empty(), slow.read(manifest.expertsDigest(), _ -> MemorySegment.NULL));
        others.countDown();
        first.join();
        second.join();
        assertEquals(
                2,
                said.stream()
                        .filter(sentence -> sentence.startsWith("a driver has come"))
                        .count());
    }

    @Test
    void whoDoesNotBelongHereIsRefused() {
        assertRefused("version 1", hello("2", "bits", false));
        assertRefused("other bits", hello("1", "other", false));
        Hello good = hello("1", "bits", false);
        assertRefused(
                "not that of model", new Hello("1", "bits", false, "another", good.manifest(), good.activations()));
        assertRefused("manifest", new Hello("1", "bits", false, good.model(), new byte[] {1}, good.activations()));
        assertRefused("activation", new Hello("1", "bits", false, good.model(), good.manifest(), Map.of()));
        assertEquals(List.of(), host.models());
        host.open(hello("1", "other", true), _ -> {}).close();
        assertTrue(said.getFirst().endsWith("its kernels compute other bits"), said::toString);
        host.leave();
        assertRefused("leaving", good);
    }

    private void assertRefused(String part, Hello hello) {
        String message = String.valueOf(assertThrows(RefusedException.class, () -> host.open(hello, _ -> {}))
                .getMessage());
        assertTrue(message.contains(part), message);
    }

    @Test
    void onlyExpertsOfTheModelCanBeAskedForAndOwned() {
        try (NodeService.Guest guest = open()) {
            assertThrows(RefusedException.class, () -> guest.assign(new int[] {ExpertId.pack(0, 1000)}));
            assertThrows(RefusedException.class, () -> guest.compute(request(3, 0), new ExpertReply()));
        }
    }

    /// Returns a request for experts of the first layer, one row each.
    private static ExpertRequest request(int size, int... experts) {
        ExpertRequest request = new ExpertRequest();
        request.reserve(experts.length, experts.length, 1, size);
        request.begin(1, 0, 1, size);
        for (int expert : experts) {
            request.experts[request.numExperts] = expert;
            request.counts[request.numExperts++] = 1;
        }
        request.numRows = experts.length;
        request.numInputs = 1;
        return request;
    }

    private static int size() {
        return manifest.sizeClasses().getFirst().layout().part(ExpertParts.UP).cols();
    }

    /// A disk that may fail.
    ///
    /// @param reading is told what is read, and may throw something
    private record Faulty(NodeStore disk, IntConsumer reading) implements NodeStore {
        @Override
        public String name() {
            return disk.name();
        }

        @Override
        public StoreManifest manifest() {
            return disk.manifest();
        }

        @Override
        public int[] onDisk() {
            return disk.onDisk();
        }

        @Override
        public Optional<PartialStore> growing() {
            return disk.growing();
        }

        @Override
        public boolean has(int id) {
            return disk.has(id);
        }

        @Override
        public void read(int id, MemorySegment destination) {
            reading.accept(id);
            disk.read(id, destination);
        }

        @Override
        public void close() {
            disk.close();
        }
    }

    @Test
    void whatTheDiskDoesNotGiveIsLackingAndNothingElse() {
        int bad = ExpertId.pack(0, 2);
        RuntimeException[] fault = {new MalformedModelException("the disk has failed")};
        NodeHost faulty = host(
                RAM_BYTES,
                asked -> new Faulty(openWhole(asked), id -> {
                    if (id == bad) {
                        throw fault[0];
                    }
                }));
        try (NodeService.Guest guest = open(faulty)) {
            ExpertReply reply = new ExpertReply();
            guest.compute(request(size(), 1), reply);
            assertEquals(1, reply.numRows);
            guest.compute(request(size(), 1, 2), reply);
            assertEquals(0, reply.numRows);
            assertTrue(reply.lacking[0] && reply.lacking[1]);
            assertEquals(List.of("the disk has failed"), said.subList(1, said.size()));
            fault[0] = new IllegalStateException("a fault of the program");
            assertThrows(IllegalStateException.class, () -> guest.compute(request(size(), 2), reply));
        }
    }

    /// Whoever has imported the model by itself has a manifest of its own, and the same experts.
    @Test
    void driversWithTheSameExpertsShareThem() {
        Hello one = hello("1", "bits", false);
        StoreManifest elsewhere = new StoreManifest(
                Json.parseObject(new byte[] {'{', '}'}, Path.of("elsewhere")),
                manifest.files(),
                manifest.sizeClasses(),
                manifest.experts());
        Hello other = new Hello("1", "bits", false, one.model(), elsewhere.bytes(), one.activations());
        Map<Integer, FfnActivation> geglu = new TreeMap<>(one.activations());
        geglu.replaceAll((_, _) -> FfnActivation.GEGLU);
        Hello different = new Hello("1", "bits", false, one.model(), one.manifest(), geglu);
        try (NodeService.Guest _ = host.open(one, _ -> {});
                NodeService.Guest _ = host.open(other, _ -> {})) {
            assertEquals(1, host.models().size());
            assertRefused("other activations", different);
        }
    }

    @Test
    void whatIsMostValuableToEachDriverIsReadFirst() throws InterruptedException {
        List<Integer> read = new CopyOnWriteArrayList<>();
        CountDownLatch assigned = new CountDownLatch(1);
        CountDownLatch all = new CountDownLatch(5);
        NodeHost watched = host(
                64 * RAM_BYTES,
                asked -> new Faulty(openWhole(asked), id -> {
                    Uninterrupted.await(assigned::await);
                    read.add(ExpertId.expertOf(id));
                    all.countDown();
                }));
        try (NodeService.Guest one = open(watched);
                NodeService.Guest other = open(watched)) {
            one.assign(new int[] {0, 1, 2});
            other.assign(new int[] {3, 1, 4});
            assigned.countDown();
            all.await();
        }
        assertEquals(List.of(0, 3, 1, 2, 4), read);
    }

    @Test
    void aDriverIsToldWhatOfItsOwnIsHere() {
        List<int[]> told = new ArrayList<>();
        int[] ids = {ExpertId.pack(0, 0), ExpertId.pack(1, 3)};
        try (NodeService.Guest guest = host.open(hello("1", "bits", false), told::add)) {
            guest.assign(ids);
        }
        assertEquals(1, told.size());
        assertArrayEquals(ids, Arrays.stream(told.getFirst()).sorted().toArray());
    }
}
