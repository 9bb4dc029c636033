package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.thread.Uninterrupted;
import io.moetier.testdata.Seeds;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockServiceTest {
    private static final SampleModel MODEL = new SampleModel(7, 2);
    private static final Optional<byte[]> KEY =
            Optional.of("a key of thirty-two bytes, or so".getBytes(StandardCharsets.UTF_8));
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @TempDir
    private Path scratch;

    private StoreManifest manifest;
    private NodeStore store;
    private volatile CountDownLatch mayRead = new CountDownLatch(0);
    private BlockService service;
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void serves() throws IOException {
        manifest = MODEL.write(scratch.resolve("whole.mtier"));
        store = NodeStore.open(List.of(scratch.resolve("whole.mtier")), scratch.resolve("none"), manifest);
        service = new BlockService(
                (model, reader) -> {
                    Uninterrupted.await(mayRead::await);
                    return model.equals(manifest.expertsDigest()) ? Optional.of(reader.apply(store)) : Optional.empty();
                },
                KEY);
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .directExecutor()
                .addService(service.definition())
                .build()
                .start();
        channel = NettyChannelBuilder.forAddress(server.getListenSockets().getFirst())
                .usePlaintext()
                .directExecutor()
                .build();
    }

    @AfterEach
    void ends() {
        channel.shutdownNow();
        server.shutdownNow();
        service.close();
        store.close();
    }

    private RemoteBlocks remote(StoreManifest of, Optional<byte[]> key) {
        return new RemoteBlocks("node b", channel, of, key, PATIENCE);
    }

    @Test
    void blocksCrossWhole() throws IOException {
        RemoteBlocks remote = remote(manifest, KEY);
        assertFalse(remote.has(MODEL.ids()[0]));
        remote.refresh();
        for (int id : MODEL.ids()) {
            assertTrue(remote.has(id));
            MODEL.assertReads(remote, id);
        }
        assertFalse(remote.has(99));
        assertEquals("node b", remote.name());
    }

    @Test
    void whoHasEnoughToSendSaysSoAtOnce() throws InterruptedException {
        int most = BlockService.THREADS + BlockService.MOST_WAITING;
        List<IOException> refusals = new CopyOnWriteArrayList<>();
        CountDownLatch refused = new CountDownLatch(1);
        mayRead = new CountDownLatch(1);
        try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i <= most; i++) {
                readers.execute(() -> {
                    try {
                        MODEL.assertReads(remote(manifest, KEY), MODEL.ids()[0]);
                    } catch (IOException e) {
                        refusals.add(e);
                        refused.countDown();
                    }
                });
            }
            refused.await();
            mayRead.countDown();
        }
        assertEquals(1, refusals.size());
        assertEquals("it sends other blocks", refusals.getFirst().getMessage());
        assertInstanceOf(BusyException.class, refusals.getFirst());
    }

    @Test
    void aNodeFetchesFromAnother() throws Exception {
        CountDownLatch all = new CountDownLatch(MODEL.ids().length);
        FetchListener listener = new FetchListener() {
            @Override
            public void ready(int[] ids) {
                all.countDown();
            }

            @Override
            public void problem(String sentence) {
                throw new AssertionError(sentence);
            }
        };
        try (PartialStore part = PartialStore.open(scratch.resolve("node"), manifest);
                BlockFetcher fetcher = BlockFetcher.start(part, FetchLimits.DEFAULT, () -> false, listener)) {
            fetcher.sources(List.of(remote(manifest, KEY)));
            fetcher.want(MODEL.ids());
            all.await();
            assertArrayEquals(MODEL.ids(), part.ids());
        }
    }

    @Test
    void whoDoesNotHaveTheSecretGetsNothing() {
        String sentence = "the other machine does not have the secret of this cluster";
        assertEquals(sentence, failure(remote(manifest, Optional.empty())));
        assertEquals(sentence, failure(remote(manifest, Optional.of(new byte[32]))));
    }

    @Test
    void whoAnswersWithoutTheSecretIsNotBelieved() throws IOException {
        BlockService open = new BlockService((_, reader) -> Optional.of(reader.apply(store)), Optional.empty());
        Server impostor = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(open.definition())
                .build()
                .start();
        ManagedChannel way = NettyChannelBuilder.forAddress(
                        impostor.getListenSockets().getFirst())
                .usePlaintext()
                .build();
        try {
            RemoteBlocks remote = new RemoteBlocks("impostor", way, manifest, KEY, PATIENCE);
            assertEquals("the other machine does not have the secret of this cluster", failure(remote));
        } finally {
            way.shutdownNow();
            impostor.shutdownNow();
            open.close();
        }
    }

    @Test
    void whatIsNotThereIsSaid() throws IOException {
        SampleModel other = new SampleModel(9, 2);
        StoreManifest unknown = other.write(scratch.resolve("other.mtier"));
        assertEquals("it has nothing of this model", failure(remote(unknown, KEY)));
        StoreManifest larger = new SampleModel(7, 3).write(scratch.resolve("larger.mtier"));
        RemoteBlocks remote = remote(larger, KEY);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = arena.allocate(8192, 4096);
            assertThrows(IOException.class, () -> remote.read(2, slot));
            assertThrows(IllegalArgumentException.class, () -> remote.read(99, slot));
        }
    }

    @Test
    void blocksOfAnotherLengthAreRefused() throws IOException {
        for (int[] sizes : new int[][] {{4_000, 2_000_000}, {6_000, 3_000_000}}) {
            StoreManifest other = new SampleModel(7, 2, sizes).write(scratch.resolve(sizes[0] + ".mtier"));
            RemoteBlocks remote = remote(other, KEY);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment slot = arena.allocate(4 << 20, 4096);
                for (int id : MODEL.ids()) {
                    assertThrows(IOException.class, () -> remote.read(id, slot));
                }
            }
        }
    }

    @Test
    void aServerThatHasGoneIsAFailure() {
        RemoteBlocks remote = remote(manifest, KEY);
        server.shutdownNow();
        assertThrows(IOException.class, remote::refresh);
        assertThrows(IOException.class, () -> MODEL.assertReads(remote, MODEL.ids()[0]));
    }

    @Test
    void questionsAreTakenOnceAndWhileTheyAreFresh() throws Exception {
        long[] now = {1_000_000};
        InstantSource clock = () -> Instant.ofEpochMilli(now[0]);
        BlockProof proof = new BlockProof(KEY, clock);
        BlockProof.Question question = new BlockProof.Question("model", 7);
        byte[] asked = proof.ask(question);
        byte[] proved = proof.proofOfQuestion("read", asked).orElseThrow();
        now[0] += BlockProof.MOST_AGE_MILLIS + 1;
        assertUnproven("the clocks of both machines are more than a minute apart", proof, asked, proved);
        now[0] -= 1;
        assertEquals(question, proof.check("read", asked, proved));
        assertUnproven("this was asked before", proof, asked, proved);
        assertThrows(BlockProof.UnprovenException.class, () -> proof.check("list", asked, proved));
        byte[] early = proof.ask(question);
        now[0] -= BlockProof.MOST_AGE_MILLIS + 1;
        assertUnproven(
                "the clocks of both machines are more than a minute apart",
                proof,
                early,
                proof.proofOfQuestion("read", early).orElseThrow());
        now[0] += 10 * BlockProof.MOST_AGE_MILLIS;
        for (int i = 0; i < BlockProof.MOST_SEEN; i++) {
            byte[] next = proof.ask(question);
            proof.check("read", next, proof.proofOfQuestion("read", next).orElseThrow());
        }
        byte[] tooMany = proof.ask(question);
        byte[] proofOfIt = proof.proofOfQuestion("read", tooMany).orElseThrow();
        assertUnproven("too much is asked at once", proof, tooMany, proofOfIt);
        now[0] += 2 * BlockProof.MOST_AGE_MILLIS + 1;
        byte[] later = proof.ask(question);
        assertEquals(
                question,
                proof.check("read", later, proof.proofOfQuestion("read", later).orElseThrow()));
    }

    @Test
    void questionsThatWereChangedAreRefused() {
        BlockProof proof = new BlockProof(KEY, InstantSource.system());
        Seeds.each(500, (seed, random) -> {
            byte[] asked = proof.ask(new BlockProof.Question("model-" + seed, seed));
            byte[] proved = proof.proofOfQuestion("read", asked).orElseThrow();
            byte[] changed = random.nextBoolean() ? asked.clone() : Arrays.copyOf(asked, random.nextInt(300));
            if (changed.length == asked.length) {
                changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
            }
            assertThrows(BlockProof.UnprovenException.class, () -> proof.check("read", changed, proved));
            byte[] nonsense = new byte[random.nextInt(200)];
            random.nextBytes(nonsense);
            assertThrows(BlockProof.UnprovenException.class, () -> proof.check("read", nonsense, null));
        });
        assertThrows(BlockProof.UnprovenException.class, () -> proof.check("read", null, null));
    }

    private static void assertUnproven(String sentence, BlockProof proof, byte[] asked, byte[] proved) {
        assertEquals(
                sentence,
                assertThrows(BlockProof.UnprovenException.class, () -> proof.check("read", asked, proved))
                        .getMessage());
    }

    private static String failure(RemoteBlocks remote) {
        return String.valueOf(assertThrows(IOException.class, remote::refresh).getMessage());
    }
}
