package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.DeviceEvent;
import io.moetier.runtime.offload.ExpertSource;
import io.moetier.storage.expert.AbsentExpertException;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DamagedBlockException;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeStoreTest {
    private static final SampleModel MODEL = new SampleModel(7, 2, 5_000, 30_000);

    private static final LossListener NOBODY = _ -> {};

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
            assertThrows(AbsentExpertException.class, () -> store.read(99, MemorySegment.NULL));
        }
    }

    @Test
    void anExpertIsGoneIfItsBlockIsDamagedAndNotIfTheDiskFails() throws IOException {
        StoreManifest manifest = MODEL.write(scratch.resolve("whole.mtier"));
        Path file = scratch.resolve("whole.mtier/experts-0.cm3");
        byte[] whole = Files.readAllBytes(file);
        int id = MODEL.ids()[0];
        try (NodeStore store = NodeStore.of(ExpertStore.open(scratch.resolve("whole.mtier"), IoMode.PREAD));
                Arena arena = Arena.ofConfined()) {
            MemorySegment slot = AnonymousMemory.allocate(8192, arena);
            write(file, new byte[0]);
            List<String> losses = new ArrayList<>();
            ExpertSource source = store.source(new int[] {id}, losses::add);
            assertThrows(MalformedModelException.class, () -> source.read(id, slot, REACHED));
            assertTrue(store.has(id));
            assertEquals(List.of(), losses);
            write(file, whole);
            MODEL.assertReads(store, id);
            whole[(int) manifest.experts().getFirst().offset()] ^= 1;
            write(file, whole);
            DamagedBlockException damage =
                    assertThrows(DamagedBlockException.class, () -> source.read(id, slot, REACHED));
            assertFalse(store.has(id));
            assertThrows(AbsentExpertException.class, () -> source.read(id, slot, REACHED));
            assertEquals(List.of(String.valueOf(damage.getMessage())), losses);
        }
    }

    /// Writes into the file that is there, which others have open.
    private static void write(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
    }

    @Test
    void whoHasNoWholeStoreKeepsSomeExperts() throws IOException {
        StoreManifest manifest = MODEL.write(scratch.resolve("whole.mtier"));
        int[] ids = MODEL.ids();
        try (NodeStore store = NodeStore.open(List.of(), scratch.resolve("node"), manifest)) {
            PartialStore growing = store.growing().orElseThrow();
            growing.put(ids[3], MemorySegment.ofArray(MODEL.block(ids[3])));
            assertArrayEquals(new int[] {ids[3]}, store.onDisk());

            ExpertSource source = store.source(new int[] {ids[3], ids[0]}, NOBODY);
            assertArrayEquals(new int[] {ids[3], ids[0]}, source.ids());
            assertEquals(2, source.numSizeClasses());
            assertEquals(1, source.sizeClassOf(ids[3]));
            assertEquals(8192, source.slotBytes(source.sizeClassOf(ids[0])));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment slot = AnonymousMemory.allocate(32_768, arena);
                assertEquals(Tier.DISK, source.read(ids[3], slot, REACHED));
                assertArrayEquals(MODEL.block(ids[3]), slot.asSlice(0, 30_000).toArray(ValueLayout.JAVA_BYTE));
                assertThrows(AbsentExpertException.class, () -> source.read(ids[0], slot, REACHED));
            }
            assertThrows(IllegalArgumentException.class, () -> store.source(new int[] {77}, NOBODY));
            assertThrows(IllegalArgumentException.class, () -> store.source(new int[] {-1}, NOBODY));
        }
    }

    /// Else all of it would be sent anew.
    @Test
    void aLimitOfOpenFilesIsNoReasonToTakeAWholeStoreForNone() throws IOException, InterruptedException {
        Path whole = scratch.resolve("whole.mtier");
        MODEL.write(whole);
        Path folder = scratch.resolve("node");
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(
                ChildProcess.java(OpenWithoutFiles.class, List.of(whole.toString(), folder.toString()))));
        assertEquals(0, ended.exitCode(), ended.said());
        assertEquals(
                List.of("all experts", "manifest.json: cannot be read: Too many open files", "all experts"),
                ended.said().lines().filter(line -> !line.startsWith("WARNING")).toList(),
                ended.said());
        assertFalse(Files.exists(folder));
    }
}
