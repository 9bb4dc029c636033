package io.moetier.runtime.convert;

import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.TaskThreads;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;

/// Fills and writes blocks on several threads, so that one reads while another packs and a third writes.
///
/// Each thread has a block and a reader of its own. There is one more than processors, since a disk and a processor are
/// busy at different times; more than eight wait for the disk. All blocks together take at most [#MOST_BYTES],
/// unless two are more, and at most a quarter of the memory that can be had, unless one is more: what is read
/// and decoded takes as much again. For one calling thread, which is also the one that progress is told on.
final class BlockWorkers implements AutoCloseable {
    private static final int LEAST_THREADS = 2;
    private static final int MOST_THREADS = 8;
    private static final long MOST_BYTES = 1L << 30;
    private static final int SHARE = 4;

    private final ExpertStoreWriter writer;
    private final MatrixReader reader;
    private final Arena arena = Arena.ofShared();
    private final BlockingQueue<Worker> idle;
    private final TaskThreads threads;

    /// Puts the weights of an expert into a block, with bytes of an earlier one in it.
    interface Filling {
        void fill(ExpertId id, MatrixReader reader, MemorySegment block);
    }

    /// What a thread works with.
    private final class Worker {
        private final MemorySegment block;
        private final MatrixReader ownReader = reader.forThread(this::count);
        private long bytes;

        private Worker(long blockBytes) {
            block = AnonymousMemory.allocate(blockBytes, arena);
        }

        private void count(long read) {
            threads.requireRunning();
            bytes += read;
        }

        private long write(ExpertId id, Filling filling) throws IOException {
            bytes = 0;
            filling.fill(id, ownReader, block);
            threads.requireRunning();
            writer.put(id, block);
            return bytes;
        }
    }

    BlockWorkers(ExpertStoreWriter writer, MatrixReader reader, long blockBytes) {
        this.writer = writer;
        this.reader = reader;
        int count = numThreads(blockBytes, Runtime.getRuntime().availableProcessors(), AvailableMemory.bytes());
        idle = new ArrayBlockingQueue<>(count);
        for (int i = 0; i < count; i++) {
            idle.add(new Worker(blockBytes));
        }
        threads = new TaskThreads(count, "moetier-import-");
    }

    /// @param available bytes of memory that can be had
    static int numThreads(long blockBytes, int processors, long available) {
        long block = Math.max(1, blockBytes);
        int wanted = Math.clamp(Math.min(MOST_BYTES / block, processors + 1), LEAST_THREADS, MOST_THREADS);
        return Math.clamp(available / SHARE / block, 1, wanted);
    }

    /// Writes the blocks of `ids`, and has this thread do `meanwhile` once that has begun.
    ///
    /// @param progress told the bytes read for each block that has been written
    /// @throws IOException if a block cannot be written, this thread is interrupted, or `meanwhile` fails
    void write(List<ExpertId> ids, Filling filling, TaskThreads.Meanwhile meanwhile, LongConsumer progress)
            throws IOException {
        List<Callable<Long>> writes = new ArrayList<>();
        for (ExpertId id : ids) {
            writes.add(() -> write(id, filling));
        }
        threads.run(writes, meanwhile, progress);
    }

    private long write(ExpertId id, Filling filling) throws IOException, InterruptedException {
        Worker worker = idle.take(); // there are as many as threads
        try {
            return worker.write(id, filling);
        } finally {
            idle.add(worker);
        }
    }

    /// Drops what has not been started and waits for what has.
    @Override
    public void close() {
        threads.close();
        idle.forEach(worker -> worker.ownReader.close());
        arena.close();
    }
}
