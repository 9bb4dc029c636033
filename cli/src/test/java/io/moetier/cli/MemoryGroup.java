package io.moetier.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// A control group below this process's own, with a limit of memory; only some users on some machines may make one.
public final class MemoryGroup implements AutoCloseable {
    private static final int MOST_TRIES = 600;

    private final Path directory;

    private MemoryGroup(Path directory) {
        this.directory = directory;
    }

    public static Optional<MemoryGroup> create(long bytes) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
            String[] fields = line.split(":", 3);
            Map<String, String> limits = fields[1].isEmpty()
                    ? Map.of("/sys/fs/cgroup", "memory.max")
                    : fields[1].equals("memory") ? Map.of("/sys/fs/cgroup/memory", "memory.limit_in_bytes") : Map.of();
            for (Map.Entry<String, String> limit : limits.entrySet()) {
                Path group = Path.of(limit.getKey() + fields[2]).resolve("moetier-test-" + UUID.randomUUID());
                Optional<MemoryGroup> made = create(group, limit.getValue(), bytes);
                if (made.isPresent()) {
                    return made;
                }
            }
        }
        return Optional.empty();
    }

    private static Optional<MemoryGroup> create(Path group, String limit, long bytes) throws IOException {
        try {
            Files.createDirectory(group);
        } catch (IOException e) {
            return Optional.empty(); // no right to, or no such hierarchy
        }
        if (Files.exists(group.resolve(limit))) {
            try {
                Files.writeString(group.resolve(limit), Long.toString(bytes));
                return Optional.of(new MemoryGroup(group));
            } catch (IOException e) {
                // no right to
            }
        }
        Files.delete(group);
        return Optional.empty();
    }

    public Path directory() {
        return directory;
    }

    /// Returns what the kernel itself has of the group's memory; 0 where it does not say.
    public long kernelBytes() throws IOException {
        Path version1 = directory.resolve("memory.kmem.usage_in_bytes");
        if (Files.exists(version1)) {
            return Long.parseLong(Files.readString(version1).strip());
        }
        return Files.readAllLines(directory.resolve("memory.stat")).stream()
                .filter(line -> line.startsWith("kernel "))
                .mapToLong(line -> Long.parseLong(line.substring("kernel ".length())))
                .sum();
    }

    /// Returns the beginning of a command line that runs the rest of it in this group.
    public List<String> launcher() {
        return List.of("sh", "-c", "echo $$ >\"$0/cgroup.procs\"; exec \"$@\"", directory.toString());
    }

    /// The system takes a while to forget processes that have ended.
    @Override
    public void close() throws IOException {
        for (int tries = 1; ; tries++) {
            try {
                Files.deleteIfExists(directory);
                return;
            } catch (IOException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
                sleep();
            }
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
