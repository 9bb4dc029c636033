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
        try {
            return of(
                    TASKS,
                    String.valueOf(Path.of("/proc/thread-self").toRealPath().getFileName()));
        } catch (IOException e) {
            return new CoreQueue(Map.of());
        }
    }

    /// @param tasks a folder for each thread
    /// @param own that of the thread that calls
    static CoreQueue of(Path tasks, String own) throws IOException {
        Map<String, Long> nanos = new HashMap<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(tasks)) {
            for (Path task : folders) {
                String name = String.valueOf(task.getFileName());
                try {
                    if (name.equals(own)
                            || Files.readString(task.resolve("comm")).startsWith(KERNELS)) {
                        String[] words =
                                Files.readString(task.resolve("schedstat")).split(" ", -1);
                        nanos.put(name, Long.parseLong(words[1]));
                    }
                } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
                    // it ended meanwhile, as compilers of the JVM do, or the kernel does not count
                }
            }
        }
        return new CoreQueue(nanos);
    }

    /// Returns how long the thread waited that waited the most since `earlier`: the others wait for it.
    ///
    /// @param most nanoseconds in between: reading counters takes time too, and is waited in
    long since(CoreQueue earlier, long most) {
        return nanos.entrySet().stream()
                .mapToLong(entry -> entry.getValue() - earlier.nanos().getOrDefault(entry.getKey(), entry.getValue()))
                .map(waited -> Math.min(waited, most))
                .max()
                .orElse(0);
    }
}
