package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// Random experts of two sizes, and a store made of them.
final class SampleModel {
    static final int[] BLOCK_BYTES = {5_000, 2_500_000};

    private final Map<Integer, byte[]> blocks = new TreeMap<>();

    SampleModel(long seed, int expertsPerLayer) {
        this(seed, expertsPerLayer, BLOCK_BYTES);
    }

    SampleModel(long seed, int expertsPerLayer, int... blockBytes) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int layer = 0; layer < blockBytes.length; layer++) {
            for (int expert = 0; expert < expertsPerLayer; expert++) {
                byte[] block = new byte[blockBytes[layer]];
                random.nextBytes(block);
                blocks.put(ExpertId.pack(layer, expert), block);
            }
        }
    }

    int[] ids() {
        return blocks.keySet().stream().mapToInt(id -> id).toArray();
    }

    byte[] block(int id) {
        return Objects.requireNonNull(blocks.get(id));
    }

    /// Writes the store, and returns its manifest.
    StoreManifest write(Path target) throws IOException {
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(target, false)) {
            Map<Integer, List<ExpertId>> classes = new TreeMap<>();
            blocks.forEach((id, block) -> classes.computeIfAbsent(block.length, bytes -> new ArrayList<>())
                    .add(ExpertId.unpack(id)));
            for (Map.Entry<Integer, List<ExpertId>> of : classes.entrySet()) {
                writer.addSizeClass(BlockLayout.EMPTY.with("weights", DType.F32, 1, 1, of.getKey()), of.getValue());
            }
            for (Map.Entry<Integer, byte[]> block : blocks.entrySet()) {
                writer.put(ExpertId.unpack(block.getKey()), MemorySegment.ofArray(block.getValue()));
            }
            writer.publish(Map.of("source", "sample"));
        }
        return StoreManifest.read(target);
    }

    void assertReads(BlockSource source, int id) throws IOException {
        int bytes = block(id).length;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slot = AnonymousMemory.allocate((bytes + 4095L) / 4096 * 4096, arena);
            source.read(id, slot);
            assertArrayEquals(block(id), slot.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /// Blocks in memory, some of them wrong or not to be had.
    class InMemory implements BlockSource {
        @Override
        public String name() {
            return "memory";
        }

        @Override
        public boolean has(int id) {
            return blocks.containsKey(id);
        }

        @Override
        public void read(int id, MemorySegment destination) throws IOException {
            MemorySegment.copy(block(id), 0, destination, ValueLayout.JAVA_BYTE, 0, block(id).length);
        }
    }
}
