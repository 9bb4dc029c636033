package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Run by a test in a JVM of its own: copies experts from a store to a [PartialStore], and says each that is there.
final class KeepUntilKilled {
    private KeepUntilKilled() {}

    public static void main(String[] arguments) throws IOException {
        try (ExpertStore whole = ExpertStore.open(Path.of(arguments[0]), IoMode.PREAD);
                PartialStore part = PartialStore.open(Path.of(arguments[1]), whole.manifest());
                Arena arena = Arena.ofConfined()) {
            for (StoreManifest.Entry entry : whole.manifest().experts()) {
                int id = entry.id().pack();
                MemorySegment slot = arena.allocate(whole.layout(id).slotBytes(), BlockLayout.PAGE_BYTES);
                whole.read(id, slot);
                part.put(id, slot);
                System.out.println(id);
            }
        }
    }
}
