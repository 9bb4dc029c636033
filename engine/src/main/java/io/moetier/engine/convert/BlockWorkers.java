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
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/// Fills and writes blocks on several threads, so that one reads while another packs and a third writes.
///
/// Each thread has a block and a reader of its own. Two threads are the least, since a disk and a processor are busy at
/// different times; more than eight wait for the disk, and all blocks together take at most [#MOST_BYTES] unless two
/// are more. For one calling thread, which is also the one that progress is told on.
final class BlockWorkers implements AutoCloseable {
    private static final int LEAST_THREADS = 2;
    private static final int MOST_THREADS = 8;
    private static final long MOST_BYTES = 1L << 30;

    private final ExpertStoreWriter writer;
    private final MatrixReader reader;
    private final Arena arena = Arena.ofShared();
    private final BlockingQueue<Worker> idle;
    private final ExecutorService threads;
    private volatile boolean stopped;

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
            if (stopped) {
                throw new CancellationException();
            }
            bytes += read;
        }

        private long write(ExpertId id, Filling filling) throws IOException {
            bytes = 0;
            filling.fill(id, ownReader, block);
            writer.put(id, block);
            return bytes;
        }
    }

    BlockWorkers(ExpertStoreWriter writer, MatrixReader reader, long blockBytes) {
        this.writer = writer;
        this.reader = reader;
        int count = numThreads(blockBytes, Runtime.getRuntime().availableProcessors());
        idle = new ArrayBlockingQueue<>(count);
        for (int i = 0; i < count; i++) {
            idle.add(new Worker(blockBytes));
        }
        threads = Executors.newFixedThreadPool(
                count,
                Thread.ofPlatform().name("moetier-import-", 1).daemon(true).factory());
    }

    static int numThreads(long blockBytes, int processors) {
        long fitting = MOST_BYTES / Math.max(1, blockBytes);
        return Math.clamp(Math.min(fitting, processors), LEAST_THREADS, MOST_THREADS);
    }

    /// Writes the blocks of `ids`.
    ///
    /// @param progress told the bytes read for each block that has been written
    /// @throws IOException if a block cannot be written, or this thread is interrupted
    void write(List<ExpertId> ids, Filling filling, LongConsumer progress) throws IOException {
        List<Future<Long>> writes = new ArrayList<>();
        for (ExpertId id : ids) {
            writes.add(threads.submit(() -> write(id, filling)));
        }
        for (Future<Long> write : writes) {
            progress.accept(await(write));
        }
    }

    private long write(ExpertId id, Filling filling) throws IOException, InterruptedException {
        if (stopped) {
            throw new CancellationException();
        }
        Worker worker = idle.take(); // there are as many as threads
        try {
            return worker.write(id, filling);
        } finally {
            idle.add(worker);
        }
    }

    private static long await(Future<Long> write) throws IOException {
        if (Thread.currentThread().isInterrupted()) { // a write that has ended would not notice
            throw new InterruptedIOException("interrupted while experts were being written");
        }
        try {
            return write.get();
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

    /// Drops what has not been started and waits for what has.
    @Override
    public void close() {
        stopped = true;
        threads.close();
        idle.forEach(worker -> worker.ownReader.close());
        arena.close();
    }
}
