package io.moetier.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// What the system keeps of files in memory.
final class PageCache {
    private static final Path DROP_CACHES = Path.of("/proc/sys/vm/drop_caches");

    private PageCache() {}

    /// Has the system forget all files, or, where this user may not do that, those given and all in folders given. What
    /// is not written yet is written first, or it would stay.
    ///
    /// @throws IOException if it cannot be done, or this thread is interrupted
    static void empty(List<Path> files) throws IOException {
        if (Files.isWritable(DROP_CACHES)) {
            run(List.of("sync"));
            Files.writeString(DROP_CACHES, "3");
            return;
        }
        for (Path root : files) {
            try (Stream<Path> tree = Files.walk(root)) {
                for (Path file : tree.filter(Files::isRegularFile).toList()) {
                    run(List.of("sync", file.toString()));
                    run(List.of("dd", "if=" + file, "iflag=nocache", "count=0", "status=none"));
                }
            }
        }
    }

    private static void run(List<String> command) throws IOException {
        try {
            int exitCode = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (exitCode != 0) {
                throw new IOException(String.join(" ", command) + " ended with " + exitCode);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the race was interrupted", e);
        }
    }
}
