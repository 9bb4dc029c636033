package io.moetier.engine.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriteBehindTest {
    private static final int BLOCK_BYTES = 10_000;
    private static final BlockLayout LAYOUT = BlockLayout.EMPTY.with("w", DType.F32, 1, 1, BLOCK_BYTES);
    private static final List<ExpertId> IDS =
            IntStream.range(0, 9).mapToObj(i -> new ExpertId(0, i)).toList();
    private static final ExpertId STRANGER = new ExpertId(7, 7);

    @TempDir
    private Path scratch;

    @Test
    void everyBlockArrivesUnderItsOwnName() throws IOException {
        Path store = scratch.resolve("store.mtier");
        try (ExpertStoreWriter writer = writer()) {
            try (WriteBehind behind = new WriteBehind(writer, BLOCK_BYTES)) {
                for (ExpertId id : IDS) {
                    behind.block().fill((byte) (id.expert() + 1));
                    behind.put(id);
                }
                behind.finish();
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
    void aFailureSurfacesWhenTheBlockComesRoundAgain() throws IOException {
        try (ExpertStoreWriter writer = writer();
                WriteBehind behind = new WriteBehind(writer, BLOCK_BYTES)) {
            behind.block();
            behind.put(STRANGER);
            behind.block();
            behind.put(IDS.getFirst());
            assertFails(behind::block);
        }
    }

    @Test
    void aFailureOfTheLastBlockSurfacesAtTheEnd() throws IOException {
        try (ExpertStoreWriter writer = writer();
                WriteBehind behind = new WriteBehind(writer, BLOCK_BYTES)) {
            behind.block();
            behind.put(IDS.getFirst());
            behind.block();
            behind.put(STRANGER);
            assertFails(behind::finish);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndIsKept() throws IOException {
        try (ExpertStoreWriter writer = writer();
                WriteBehind behind = new WriteBehind(writer, BLOCK_BYTES)) {
            behind.block();
            behind.put(IDS.getFirst());
            Thread.currentThread().interrupt();
            assertThrows(InterruptedIOException.class, behind::finish);
        }
        assertTrue(Thread.interrupted());
    }

    private ExpertStoreWriter writer() throws IOException {
        ExpertStoreWriter writer = ExpertStoreWriter.create(scratch.resolve("store.mtier"), false);
        writer.addSizeClass(LAYOUT, IDS);
        return writer;
    }

    private static void assertFails(org.junit.jupiter.api.function.Executable wait) {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, wait).getMessage());
        assertEquals(STRANGER + " was not announced", message);
    }
}
