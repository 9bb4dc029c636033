package io.moetier.storage.expert;

import io.moetier.storage.model.ExpertId;
import java.nio.file.Path;

/// Run by a test in a JVM of its own, whose class path has no Chronicle Map.
final class ReadWithoutChronicle {
    private ReadWithoutChronicle() {}

    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        for (IoMode mode : IoMode.values()) {
            try (ExpertStore store = ExpertStore.open(directory, mode)) {
                for (ExpertId id : store.experts()) {
                    SampleStore.read(store, id);
                }
                if (mode == IoMode.AUTO) {
                    System.out.println(store.experts().size() + " experts, damages "
                            + StoreVerifier.verify(directory, bytes -> {}));
                }
            }
        }
    }
}
