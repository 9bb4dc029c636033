package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.offload.ExpertSource;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.Tier;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeStoreTest {
    private static final SampleModel MODEL = new SampleModel(7, 2, 5_000, 30_000);

    private static final DeviceEvent REACHED = new DeviceEvent() {
        @Override
        public void record() {}

        @Override
        public void synchronize() {}

        @Override
        public void close() {}
    };

    @TempDir
    private Path scratch;

    @Test
    void aWholeStoreIsUsedWhereItLies() throws IOException {
        StoreManifest manifest = MODEL.write(scratch.resolve("whole.mtier"));
        MODEL.write(scratch.resolve("again.mtier"));
        Path stranger = scratch.resolve("other.mtier");
        new SampleModel(8, 2, 5_000, 30_000).write(stranger);
        List<Path> stores = List.of(scratch.resolve("none.mtier"), stranger, scratch.resolve("again.mtier"));
        try (NodeStore store = NodeStore.open(stores, scratch.resolve("node"), manifest)) {
            assertTrue(store.growing().isEmpty());
            assertArrayEquals(MODEL.ids(), store.onDisk());
            for (int id : MODEL.ids()) {
                assertTrue(store.has(id));
                MODEL.assertReads(store, id);
            }
            assertThrows(IllegalStateException.class, () -> store.read(99, MemorySegment.NULL));
        }
    }

    @Test
    void whoHasNoWholeStoreKeepsSomeExperts() throws IOException {
        StoreManifest manifest = MODEL.write(scratch.resolve("whole.mtier"));
        int[] ids = MODEL.ids();
        try (NodeStore store = NodeStore.open(List.of(), scratch.resolve("node"), manifest)) {
            PartialStore growing = store.growing().orElseThrow();
            growing.put(ids[3], MemorySegment.ofArray(MODEL.block(ids[3])));
            assertArrayEquals(new int[] {ids[3]}, store.onDisk());

            ExpertSource source = store.source(new int[] {ids[3], ids[0]});
            assertArrayEquals(new int[] {ids[3], ids[0]}, source.ids());
            assertEquals(2, source.numSizeClasses());
            assertEquals(1, source.sizeClassOf(ids[3]));
            assertEquals(8192, source.slotBytes(source.sizeClassOf(ids[0])));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment slot = AnonymousMemory.allocate(32_768, arena);
                assertEquals(Tier.DISK, source.read(ids[3], slot, REACHED));
                assertArrayEquals(MODEL.block(ids[3]), slot.asSlice(0, 30_000).toArray(ValueLayout.JAVA_BYTE));
                assertThrows(IllegalStateException.class, () -> source.read(ids[0], slot, REACHED));
            }
            assertThrows(IllegalArgumentException.class, () -> store.source(new int[] {77}));
            assertThrows(IllegalArgumentException.class, () -> store.source(new int[] {-1}));
        }
    }
}
