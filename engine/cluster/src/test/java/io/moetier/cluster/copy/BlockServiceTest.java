package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockServiceTest {
    private static final SampleModel MODEL = new SampleModel(7, 2);
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
        service = new BlockService((model, reader) -> {
            Uninterrupted.await(mayRead::await);
            return model.equals(manifest.expertsDigest()) ? Optional.of(reader.apply(store)) : Optional.empty();
        });
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

    private RemoteBlocks remote(StoreManifest of) {
        return new RemoteBlocks("node b", channel, of, PATIENCE);
    }

    @Test
    void blocksCrossWhole() throws IOException {
        RemoteBlocks remote = remote(manifest);
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
                        MODEL.assertReads(remote(manifest), MODEL.ids()[0]);
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
                BlockFetcher fetcher = BlockFetcher.start(part, () -> false, listener)) {
            fetcher.sources(List.of(remote(manifest)));
            fetcher.want(MODEL.ids());
            all.await();
            assertArrayEquals(MODEL.ids(), part.ids());
        }
    }

    @Test
    void whatIsNotThereIsSaid() throws IOException {
        SampleModel other = new SampleModel(9, 2);
        StoreManifest unknown = other.write(scratch.resolve("other.mtier"));
        assertEquals("it has nothing of this model", failure(remote(unknown)));
        StoreManifest larger = new SampleModel(7, 3).write(scratch.resolve("larger.mtier"));
        RemoteBlocks remote = remote(larger);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = arena.allocate(8192, 4096);
            assertThrows(IOException.class, () -> remote.read(2, slot));
            assertThrows(IllegalArgumentException.class, () -> remote.read(99, slot));
        }
    }

    @Test
    void aQuestionThatNamesNoExpertIsRefused() throws Exception {
        for (String expert : new String[] {"", "x", "1.5", "99999999999", null}) {
            Metadata headers = new Metadata();
            headers.put(BlockCalls.MODEL, manifest.expertsDigest());
            if (expert != null) {
                headers.put(BlockCalls.EXPERT, expert);
            }
            CompletableFuture<Status> end = new CompletableFuture<>();
            ClientCall<byte[], byte[]> call = channel.newCall(BlockCalls.READ, CallOptions.DEFAULT);
            call.start(
                    new ClientCall.Listener<>() {
                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            end.complete(status);
                        }
                    },
                    headers);
            assertEquals(
                    Status.Code.INVALID_ARGUMENT, end.get(1, TimeUnit.MINUTES).getCode());
        }
    }

    @Test
    void blocksOfAnotherLengthAreRefused() throws IOException {
        for (int[] sizes : new int[][] {{4_000, 2_000_000}, {6_000, 3_000_000}}) {
            StoreManifest other = new SampleModel(7, 2, sizes).write(scratch.resolve(sizes[0] + ".mtier"));
            RemoteBlocks remote = remote(other);
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
        RemoteBlocks remote = remote(manifest);
        server.shutdownNow();
        assertThrows(IOException.class, remote::refresh);
        assertThrows(IOException.class, () -> MODEL.assertReads(remote, MODEL.ids()[0]));
    }

    private static String failure(RemoteBlocks remote) {
        return String.valueOf(assertThrows(IOException.class, remote::refresh).getMessage());
    }
}
