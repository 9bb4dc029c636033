package io.moetier.engine.convert;

import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Writes blocks on a thread of its own, so that the caller reads and packs the next one meanwhile.
///
/// Two blocks take turns, one being filled and one being written: experts can be large, and a third would gain nothing
/// while reading and writing take about the same time. What made a write fail is thrown to the caller when it asks
/// for that block again or finishes. For one calling thread, which closes it; then nothing is written any more.
final class WriteBehind implements AutoCloseable {
    private final ExpertStoreWriter writer;
    private final Arena arena = Arena.ofShared();
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("moetier-import-writer").daemon(true).factory());
    private final List<Turn> turns = new ArrayList<>();
    private int current;

    /// A block and the last write of it.
    private static final class Turn {
        private final MemorySegment block;
        private Future<?> write = CompletableFuture.completedFuture(null);

        private Turn(MemorySegment block) {
            this.block = block;
        }
    }

    WriteBehind(ExpertStoreWriter writer, long blockBytes) {
        this.writer = writer;
        for (int i = 0; i < 2; i++) {
            turns.add(new Turn(AnonymousMemory.allocate(blockBytes, arena)));
        }
    }

    /// Waits for a block to be free and returns it, with bytes of an earlier one in it.
    ///
    /// @throws IOException if an earlier write failed, or the thread was interrupted before or while it waited
    MemorySegment block() throws IOException {
        await(turns.get(current).write);
        return turns.get(current).block;
    }

    /// Has the block that was returned last written as the block of `id`.
    void put(ExpertId id) {
        Turn turn = turns.get(current);
        turn.write = thread.submit(() -> {
            writer.put(id, turn.block);
            return id;
        });
        current = (current + 1) % turns.size();
    }

    /// Waits until all blocks are written.
    ///
    /// @throws IOException as [#block]
    void finish() throws IOException {
        for (Turn turn : turns) {
            await(turn.write);
        }
    }

    /// Drops what has not been started and waits for what has.
    @Override
    public void close() {
        turns.forEach(turn -> turn.write.cancel(false));
        thread.close();
        arena.close();
    }

    private static void await(Future<?> write) throws IOException {
        if (Thread.currentThread().isInterrupted()) { // a write that has ended would not notice
            throw new InterruptedIOException("interrupted while experts were being written");
        }
        try {
            write.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while experts were being written");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }
}
