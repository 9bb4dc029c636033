package io.moetier.cluster.copy;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/// Sends blocks of this machine's disk to members that ask for them, as a service of a gRPC server.
///
/// Threads of its own read and send, so that the server's do not wait for a disk; what is asked beyond what
/// these can do soon is refused. Who asks and does not take what comes is given up after a while.
public final class BlockService implements AutoCloseable {
    static final int THREADS = 2;
    static final int MOST_WAITING = 16;
    private static final long PATIENCE_MILLIS = 20_000;
    static final ValueLayout.OfInt ID = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final OpenStores stores;
    private final ThreadPoolExecutor threads;

    public BlockService(OpenStores stores) {
        this.stores = stores;
        this.threads = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MOST_WAITING),
                Thread.ofPlatform().name("moetier-blocks-", 1).daemon().factory());
    }

    /// Returns what a server is to offer.
    public ServerServiceDefinition definition() {
        return ServerServiceDefinition.builder(BlockCalls.SERVICE)
                .addMethod(BlockCalls.LIST, (call, headers) -> take(BlockCalls.LIST, call, headers))
                .addMethod(BlockCalls.READ, (call, headers) -> take(BlockCalls.READ, call, headers))
                .build();
    }

    /// Returns when nothing is read any more; to be called when the server has ended.
    @Override
    public void close() {
        threads.shutdown();
        Uninterrupted.await(() -> {
            while (!threads.awaitTermination(1, TimeUnit.SECONDS)) {
                // what is sent is given up after a while
            }
        });
    }

    private ServerCall.Listener<byte[]> take(
            MethodDescriptor<byte[], byte[]> method, ServerCall<byte[], byte[]> call, Metadata headers) {
        Answer answer = new Answer(call);
        String model = String.valueOf(headers.get(BlockCalls.MODEL));
        boolean lists = method.equals(BlockCalls.LIST);
        try {
            int id = lists ? 0 : Integer.parseInt(headers.get(BlockCalls.EXPERT));
            threads.execute(() -> answer(model, lists, id, answer));
        } catch (NumberFormatException e) {
            call.close(Status.INVALID_ARGUMENT.withDescription("no expert was named"), new Metadata());
        } catch (RejectedExecutionException e) {
            call.close(Status.RESOURCE_EXHAUSTED.withDescription("it sends other blocks"), new Metadata());
        }
        return answer;
    }

    private void answer(String model, boolean lists, int id, Answer answer) {
        try (Arena arena = Arena.ofConfined()) {
            Optional<MemorySegment> bytes =
                    stores.read(model, store -> lists ? list(store, arena) : read(store, id, arena));
            if (bytes.isEmpty()) {
                answer.close(Status.NOT_FOUND.withDescription("it has nothing of this model"), new Metadata());
                return;
            }
            answer.send(bytes.get());
            answer.close(Status.OK, new Metadata());
        } catch (IllegalStateException e) {
            answer.close(Status.NOT_FOUND.withDescription(e.getMessage()), new Metadata());
        } catch (MalformedModelException e) {
            answer.close(Status.DATA_LOSS.withDescription(e.getMessage()), new Metadata());
        } catch (RuntimeException e) {
            answer.close(Status.INTERNAL.withDescription("it failed to read the block"), new Metadata());
        }
    }

    private static MemorySegment list(NodeStore store, Arena arena) {
        int[] ids = store.onDisk();
        MemorySegment bytes = arena.allocate(Math.max(1, 4L * ids.length)).asSlice(0, 4L * ids.length);
        for (int i = 0; i < ids.length; i++) {
            bytes.setAtIndex(ID, i, ids[i]);
        }
        return bytes;
    }

    private static MemorySegment read(NodeStore store, int id, Arena arena) {
        StoreManifest manifest = store.manifest();
        BlockLayout layout = manifest.experts().stream()
                .filter(entry -> entry.id().pack() == id)
                .map(entry -> manifest.sizeClasses().get(entry.sizeClass()).layout())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the model has no such expert"));
        MemorySegment slot = AnonymousMemory.allocate(layout.slotBytes(), arena);
        store.read(id, slot);
        return slot.asSlice(0, layout.blockBytes());
    }

    /// One call: pieces go out as the transport takes them.
    private static final class Answer extends ServerCall.Listener<byte[]> {
        private final ServerCall<byte[], byte[]> call;
        private boolean cancelled; // guarded by this

        Answer(ServerCall<byte[], byte[]> call) {
            this.call = call;
        }

        /// @throws IllegalStateException if the other side has gone or takes nothing
        void send(MemorySegment bytes) {
            call.sendHeaders(new Metadata());
            for (long at = 0; at < bytes.byteSize(); at += BlockCalls.MOST_PIECE_BYTES) {
                awaitReady();
                long length = Math.min(BlockCalls.MOST_PIECE_BYTES, bytes.byteSize() - at);
                call.sendMessage(bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
            }
        }

        private synchronized void awaitReady() {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
            while (!cancelled && !call.isReady()) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw new IllegalStateException("the block was not taken");
                }
                try {
                    wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("the server ends", e);
                }
            }
            if (cancelled) {
                throw new IllegalStateException("the other side has gone");
            }
        }

        void close(Status status, Metadata trailers) {
            synchronized (this) {
                if (cancelled) {
                    return;
                }
            }
            call.close(status, trailers);
        }

        @Override
        public synchronized void onReady() {
            notifyAll();
        }

        @Override
        public synchronized void onCancel() {
            cancelled = true;
            notifyAll();
        }
    }
}
