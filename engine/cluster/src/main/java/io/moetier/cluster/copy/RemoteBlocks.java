package io.moetier.cluster.copy;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.UnsafeCharacters;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Blocks of another machine that runs a [BlockService].
public final class RemoteBlocks implements BlockSource {
    private static final int MOST_LETTERS = 300;

    private final String name;
    private final Channel channel;
    private final String model;
    private final Duration patience;
    private final Map<Integer, BlockLayout> layouts = new HashMap<>();
    private final Set<Answer> underWay = ConcurrentHashMap.newKeySet();
    private volatile int[] known = {}; // ascending

    /// @param name what to call the other machine in messages
    /// @param channel to the other machine, which the caller shuts down; pieces of 1 MiB must fit
    /// @param manifest of the model
    /// @param patience how long nothing may come, be it a first piece while others are served, or the next one
    public RemoteBlocks(String name, Channel channel, StoreManifest manifest, Duration patience) {
        this.name = name;
        this.channel = channel;
        this.model = manifest.expertsDigest();
        this.patience = patience;
        manifest.experts()
                .forEach(entry -> layouts.put(
                        entry.id().pack(),
                        manifest.sizeClasses().get(entry.sizeClass()).layout()));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean has(int id) {
        return Arrays.binarySearch(known, id) >= 0;
    }

    @Override
    public void refresh() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(4L * layouts.size() + 4);
            long length = call(BlockCalls.LIST, 0, room);
            if (length % 4 != 0 || length > 4L * layouts.size()) {
                throw new IOException("it lists what no model of this kind has");
            }
            int[] ids = new int[(int) (length / 4)];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = room.getAtIndex(BlockService.ID, i);
            }
            Arrays.sort(ids);
            known = ids;
        }
    }

    @Override
    public void read(int id, MemorySegment destination) throws IOException {
        BlockLayout layout = layouts.get(id);
        if (layout == null) {
            throw new IllegalArgumentException("the model has no expert " + id);
        }
        long length = call(BlockCalls.READ, id, destination.asSlice(0, layout.blockBytes()));
        if (length != layout.blockBytes()) {
            throw new IOException("expected " + layout.blockBytes() + " bytes, came " + length);
        }
    }

    @Override
    public void cancel() {
        underWay.forEach(answer -> answer.fail(Status.CANCELLED));
    }

    /// Returns how many bytes came.
    private long call(MethodDescriptor<byte[], byte[]> method, int id, MemorySegment room) throws IOException {
        Metadata headers = new Metadata();
        headers.put(BlockCalls.MODEL, model);
        headers.put(BlockCalls.EXPERT, String.valueOf(id));
        ClientCall<byte[], byte[]> call = channel.newCall(method, CallOptions.DEFAULT); // blocks may take any time
        Answer answer = new Answer(call, patience);
        underWay.add(answer);
        try {
            call.start(answer, headers);
            call.halfClose();
            return answer.await(room);
        } finally {
            underWay.remove(answer);
            call.cancel("no more is wanted", null); // which does nothing to a call that has ended
        }
    }

    /// One call: the transport's thread hands pieces over, and who asked copies them.
    private static final class Answer extends ClientCall.Listener<byte[]> {
        private static final int PIECES_AHEAD = 2;

        private final ClientCall<byte[], byte[]> call;
        private final Duration patience;
        private final Deque<byte[]> pieces = new ArrayDeque<>(); // guarded by this, as is what follows
        private @Nullable Status end;

        Answer(ClientCall<byte[], byte[]> call, Duration patience) {
            this.call = call;
            this.patience = patience;
        }

        @Override
        public synchronized void onMessage(byte[] piece) {
            pieces.add(piece);
            notifyAll();
        }

        @Override
        public synchronized void onClose(Status status, Metadata trailers) {
            fail(status);
        }

        synchronized void fail(Status status) {
            if (end == null) {
                end = status;
                notifyAll();
            }
        }

        /// Copies what comes to `room`, and returns how many bytes that were.
        long await(MemorySegment room) throws IOException {
            call.request(PIECES_AHEAD);
            long length = 0;
            for (byte[] piece = next(); piece != null; piece = next()) {
                if (piece.length == 0 || piece.length > room.byteSize() - length) {
                    throw new IOException("it sends more than was asked for");
                }
                MemorySegment.copy(MemorySegment.ofArray(piece), 0, room, length, piece.length);
                length += piece.length;
                call.request(1);
            }
            return length;
        }

        private synchronized byte @Nullable [] next() throws IOException {
            long start = System.nanoTime();
            while (pieces.isEmpty() && end == null) {
                long left = patience.toNanos() - (System.nanoTime() - start);
                if (left <= 0) {
                    throw new IOException("nothing came for " + patience.toSeconds() + " s");
                }
                try {
                    wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("interrupted");
                }
            }
            if (end != null && !end.isOk()) {
                throw end.getCode() == Status.Code.RESOURCE_EXHAUSTED
                        ? new BusyException(words(end))
                        : new IOException(words(end));
            }
            return pieces.poll();
        }

        private static String words(Status status) {
            String said = Objects.requireNonNullElse(
                    status.getDescription(), status.getCode().toString());
            String cut = said.length() > MOST_LETTERS ? said.substring(0, MOST_LETTERS) + "…" : said;
            return UnsafeCharacters.replace(cut, UnsafeCharacters::isUnsafe, letter -> " ");
        }
    }
}
