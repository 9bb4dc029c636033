package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockWorkersTest {
    private static final int BLOCK_BYTES = 10_000;
    private static final BlockLayout LAYOUT = BlockLayout.EMPTY.with("w", DType.F32, 1, 1, BLOCK_BYTES);
    private static final List<ExpertId> IDS =
            IntStream.range(0, 99).mapToObj(i -> new ExpertId(0, i)).toList();
    private static final ExpertId STRANGER = new ExpertId(7, 7);

    @TempDir
    private Path scratch;

    private final ModelSource source = ModelSource.open(TestData.golden("mixtral"));
    private final MatrixReader reader = new MatrixReader(source, Importance.NONE, Optional.empty(), bytes -> {});

    @AfterEach
    void close() {
        reader.close();
        source.close();
    }

    @Test
    void everyBlockArrivesUnderItsOwnName() throws IOException {
        Path store = scratch.resolve("store.mtier");
        try (ExpertStoreWriter writer = writer()) {
            try (BlockWorkers workers = new BlockWorkers(writer, reader, BLOCK_BYTES)) {
                write(workers, IDS, (id, own, block) -> block.fill((byte) (id.expert() + 1)));
            }
            writer.publish(Map.of());
        }
        try (ExpertStore opened = ExpertStore.open(store, IoMode.PREAD);
                Arena arena = Arena.ofConfined()) {
            MemorySegment slot = arena.allocate(LAYOUT.slotBytes(), BlockLayout.PAGE_BYTES);
            for (ExpertId id : IDS) {
                opened.read(id.pack(), slot);
                for (int i = 0; i < BLOCK_BYTES; i++) {
                    assertEquals(id.expert() + 1, slot.get(ValueLayout.JAVA_BYTE, i));
                }
            }
        }
    }

    @Test
    void aFailureToWriteIsThrown() throws IOException {
        List<ExpertId> ids = new ArrayList<>(IDS);
        ids.set(50, STRANGER);
        try (ExpertStoreWriter writer = writer();
                BlockWorkers workers = new BlockWorkers(writer, reader, BLOCK_BYTES)) {
            String message = String.valueOf(
                    assertThrows(IllegalArgumentException.class, () -> write(workers, ids, (id, own, block) -> {}))
                            .getMessage());
            assertEquals(STRANGER + " was not announced", message);
        }
    }

    @Test
    void aFailureToFillIsThrown() throws IOException {
        try (ExpertStoreWriter writer = writer();
                BlockWorkers workers = new BlockWorkers(writer, reader, BLOCK_BYTES)) {
            BlockWorkers.Filling failing = (id, own, block) -> {
                if (id.equals(IDS.getLast())) {
                    throw new IllegalStateException("the last one");
                }
            };
            assertEquals(
                    "the last one",
                    assertThrows(IllegalStateException.class, () -> write(workers, IDS, failing))
                            .getMessage());
        }
    }

    @Test
    void anInterruptEndsTheWaitAndIsKept() throws IOException {
        try (ExpertStoreWriter writer = writer();
                BlockWorkers workers = new BlockWorkers(writer, reader, BLOCK_BYTES)) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedIOException.class, () -> write(workers, IDS, (id, own, block) -> {}));
        }
        assertTrue(Thread.interrupted());
    }

    @Test
    void largeBlocksAreForTwoThreads() {
        long enough = 1L << 40;
        assertEquals(2, BlockWorkers.numThreads(1L << 30, 16, enough));
        assertEquals(4, BlockWorkers.numThreads(256L << 20, 16, enough));
        assertEquals(8, BlockWorkers.numThreads(1 << 20, 16, enough));
        assertEquals(2, BlockWorkers.numThreads(1 << 20, 1, enough));
    }

    @Test
    void whereLittleMemoryIsLeftFewerBlocksAreAtWork() {
        assertEquals(8, BlockWorkers.numThreads(1 << 20, 16, 32 << 20));
        assertEquals(3, BlockWorkers.numThreads(1 << 20, 16, 12 << 20));
        assertEquals(1, BlockWorkers.numThreads(1 << 20, 16, 7 << 20));
        assertEquals(1, BlockWorkers.numThreads(1 << 20, 16, 0));
    }

    private static void write(BlockWorkers workers, List<ExpertId> ids, BlockWorkers.Filling filling)
            throws IOException {
        workers.write(ids, filling, () -> {}, bytes -> {});
    }

    private ExpertStoreWriter writer() throws IOException {
        ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("store.mtier"), false);
        writer.addSizeClass(LAYOUT, IDS);
        return writer;
    }
}
