package io.moetier.storage.expert;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.NoMoreFiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/// Run by a test in a JVM of its own: reads a store and a [PartialStore] while no file can be opened, and says what
/// comes of it.
final class ReadWithoutFiles {
    private ReadWithoutFiles() {}

    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[0]);
        System.out.println(verify(directory, bytes -> {}));
        boolean _ = IoFailure.isForWantOfFiles(new MalformedModelException("loaded"));

        String atOnce;
        try (NoMoreFiles _ = new NoMoreFiles()) {
            atOnce = verify(directory, bytes -> {});
        }
        System.out.println(atOnce);

        List<NoMoreFiles> limit = new ArrayList<>();
        String afterTheFirst = verify(directory, bytes -> {
            if (limit.isEmpty()) {
                limit.add(new NoMoreFiles());
            }
        });
        limit.forEach(NoMoreFiles::close);
        System.out.println(afterTheFirst);

        try (ExpertStore whole = ExpertStore.open(directory, IoMode.PREAD);
                PartialStore part = PartialStore.open(Path.of(arguments[1]), whole.manifest());
                Arena arena = Arena.ofConfined()) {
            int id = whole.experts().iterator().next().pack();
            MemorySegment slot = AnonymousMemory.allocate(whole.layout(id).slotBytes(), arena);
            whole.read(id, slot);
            part.put(id, slot);
            Thread.currentThread().interrupt(); // closes the file, which is opened again
            System.out.println(read(part, id, slot));
            String interrupted;
            try (NoMoreFiles _ = new NoMoreFiles()) {
                Thread.currentThread().interrupt();
                interrupted = read(part, id, slot);
            }
            System.out.println(interrupted);
            System.out.println(read(part, id, slot));
        }
    }

    private static String verify(Path directory, LongConsumer progress) {
        try {
            return StoreVerifier.verify(directory, progress).toString();
        } catch (MalformedModelException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String read(PartialStore store, int id, MemorySegment slot) {
        try {
            store.read(id, slot);
            return "read";
        } catch (MalformedModelException e) {
            return String.valueOf(e.getMessage());
        } finally {
            boolean _ = Thread.interrupted();
        }
    }
}
