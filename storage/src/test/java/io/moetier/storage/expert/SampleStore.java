package io.moetier.storage.expert;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/// Random experts of several sizes, and stores made of them.
final class SampleStore {
    static final String CONFIG = "{\"model_type\":\"sample\"}\n";

    private final Map<ExpertId, byte[]> blocks = new TreeMap<>();
    private final List<BlockLayout> layouts = new ArrayList<>();
    private final List<List<ExpertId>> classes = new ArrayList<>();
    private final byte[] dense;

    /// Size class `i` holds the experts of layer `i`.
    SampleStore(long seed, int expertsPerLayer, int... blockBytes) {
        Random random = new Random(seed);
        for (int layer = 0; layer < blockBytes.length; layer++) {
            layouts.add(BlockLayout.EMPTY.with("weights", DType.F32, 1, 1, blockBytes[layer]));
            List<ExpertId> experts = new ArrayList<>();
            for (int expert = 0; expert < expertsPerLayer; expert++) {
                byte[] block = new byte[blockBytes[layer]];
                random.nextBytes(block);
                ExpertId id = new ExpertId(layer, expert);
                blocks.put(id, block);
                experts.add(id);
            }
            classes.add(experts);
        }
        dense = new byte[10_000];
        random.nextBytes(dense);
    }

    Map<ExpertId, byte[]> blocks() {
        return blocks;
    }

    byte[] dense() {
        return dense;
    }

    List<BlockLayout> layouts() {
        return layouts;
    }

    Path write(Path target) throws IOException {
        return write(target, false);
    }

    Path write(Path target, boolean replace) throws IOException {
        try (ExpertStoreWriter writer = ExpertStoreWriter.create(target, replace)) {
            fill(writer);
            writer.publish(Map.of("source", "sample", "fingerprint", "sample"));
        }
        return target;
    }

    void fill(ExpertStoreWriter writer) throws IOException {
        for (int i = 0; i < layouts.size(); i++) {
            writer.addSizeClass(layouts.get(i), classes.get(i));
        }
        for (Map.Entry<ExpertId, byte[]> block : blocks.entrySet()) {
            writer.put(block.getKey(), MemorySegment.ofArray(block.getValue()));
        }
        Files.write(writer.directory().resolve("dense.safetensors"), dense);
        Files.writeString(writer.directory().resolve("config.json"), CONFIG);
    }

    /// Reads an expert through the store.
    static byte[] read(ExpertStore store, ExpertId id) {
        try (Arena arena = Arena.ofConfined()) {
            BlockLayout layout = store.layout(id.pack());
            MemorySegment slot = arena.allocate(layout.slotBytes(), BlockLayout.PAGE_BYTES);
            store.read(id.pack(), slot);
            return slot.asSlice(0, layout.blockBytes()).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        }
    }
}
