package io.moetier.cli.throughput;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// How long the threads that compute were ready and had no core, because other threads had all: what Linux counts in
/// `schedstat` of each thread. Elsewhere nothing is known.
///
/// @param nanos by thread, since it was started
record CoreQueue(Map<String, Long> nanos) {
    private static final Path TASKS = Path.of("/proc/self/task");
    private static final String KERNELS = "moetier-kernel-";

    /// Reads the counters of the pool's threads and of the one that calls.
    static CoreQueue now() {
        Map<String, Long> nanos = new HashMap<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
            String own =
                    String.valueOf(Path.of("/proc/thread-self").toRealPath().getFileName());
            for (Path task : tasks) {
                String name = String.valueOf(task.getFileName());
                boolean computes = name.equals(own)
                        || Files.readString(task.resolve("comm")).startsWith(KERNELS);
                if (computes) {
                    String[] words = Files.readString(task.resolve("schedstat")).split(" ", -1);
                    nanos.put(name, Long.parseLong(words[1]));
                }
            }
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return new CoreQueue(Map.of());
        }
        return new CoreQueue(nanos);
    }

    /// Returns how long the thread waited that waited the most since `earlier`: the others wait for it.
    long since(CoreQueue earlier) {
        return nanos.entrySet().stream()
                .mapToLong(entry -> entry.getValue() - earlier.nanos().getOrDefault(entry.getKey(), entry.getValue()))
                .max()
                .orElse(0);
    }
}
