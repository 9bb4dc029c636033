package io.moetier.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// A control group below this process's own, of version 1 or 2, with a limit of memory, in which page cache counts.
///
/// What runs in it is killed when it is closed, and with this process, unless that itself is killed.
final class LimitedGroup implements AutoCloseable {
    private static final Path HIERARCHIES = Path.of("/sys/fs/cgroup");
    private static final Path OWN_GROUPS = Path.of("/proc/self/cgroup");
    private static final String PROCESSES = "cgroup.procs";
    private static final int MOST_TRIES = 200;
    private static final int POLL_MILLIS = 20;

    private final Path directory;
    private final Version files;
    private final Thread hook = new Thread(this::kill, "moetier-race-end");

    /// What the files of a version are called.
    private enum Version {
        VERSION_1(
                "memory.limit_in_bytes",
                "memory.memsw.limit_in_bytes",
                "memory.max_usage_in_bytes",
                "memory.oom_control"),
        VERSION_2("memory.max", "memory.swap.max", "memory.peak", "memory.events");

        private final String limit;
        private final String swap;
        private final String peak;
        private final String events;

        Version(String limit, String swap, String peak, String events) {
            this.limit = limit;
            this.swap = swap;
            this.peak = peak;
            this.events = events;
        }

        /// Returns the limit of swap by which none is used.
        private long withoutSwap(long bytes) {
            return this == VERSION_1 ? bytes : 0; // that of version 1 is of both
        }
    }

    private LimitedGroup(Path directory, Version files) {
        this.directory = directory;
        this.files = files;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /// Makes a group.
    ///
    /// @throws IOException if this user may not make one here, with a sentence that says what helps
    static LimitedGroup create(long bytes) throws IOException {
        String reason = "no hierarchy of control groups counts memory";
        for (String line : Files.readAllLines(OWN_GROUPS)) {
            Optional<Version> version = version(line);
            if (version.isPresent()) {
                Path own = own(version.get(), line);
                try {
                    return create(own, version.get(), bytes);
                } catch (IOException e) {
                    reason = e.getMessage();
                }
            }
        }
        throw new IOException("a race needs a control group for memory, and none can be made (" + reason
                + "): be root, or start it by systemd-run --user --scope -p Delegate=yes");
    }

    /// Returns of which version the hierarchy of a line of `/proc/self/cgroup` is, if memory may be counted in it.
    private static Optional<Version> version(String line) {
        String controllers = line.split(":", 3)[1];
        return controllers.isEmpty()
                ? Optional.of(Version.VERSION_2)
                : List.of(controllers.split(",")).contains("memory")
                        ? Optional.of(Version.VERSION_1)
                        : Optional.empty();
    }

    private static Path own(Version version, String line) {
        String[] fields = line.split(":", 3);
        Path hierarchy = version == Version.VERSION_1 ? HIERARCHIES.resolve(fields[1]) : HIERARCHIES;
        return hierarchy.resolve(fields[2].substring(1));
    }

    private static LimitedGroup create(Path own, Version version, long bytes) throws IOException {
        if (version == Version.VERSION_2) {
            delegateMemory(own);
        }
        Path group = Files.createDirectory(own.resolve("moetier-race-" + UUID.randomUUID()));
        try {
            Files.writeString(group.resolve(version.limit), Long.toString(bytes));
            if (Files.exists(group.resolve(version.swap))) {
                Files.writeString(group.resolve(version.swap), Long.toString(version.withoutSwap(bytes)));
            }
            return new LimitedGroup(group, version);
        } catch (IOException e) {
            Files.delete(group);
            throw e;
        }
    }

    /// Has groups below `own` count memory. A group with processes of its own may not do that, so this one goes into a
    /// group below it.
    private static void delegateMemory(Path own) throws IOException {
        Path subtree = own.resolve("cgroup.subtree_control");
        if (List.of(Files.readString(subtree).strip().split(" ")).contains("memory")) {
            return;
        }
        Path leaf = own.resolve("moetier-race");
        if (Files.notExists(leaf)) {
            Files.createDirectory(leaf);
        }
        Files.writeString(
                leaf.resolve(PROCESSES), Long.toString(ProcessHandle.current().pid()));
        Files.writeString(subtree, "+memory");
    }

    /// Returns the beginning of a command line that runs the rest of it in this group.
    List<String> launcher() {
        return List.of("sh", "-c", "echo $$ >\"$0/" + PROCESSES + "\" && exec \"$@\"", directory.toString());
    }

    /// Returns the most memory that it ever had, its page cache included, where the system says so.
    OptionalLong peakBytes() {
        return number(files.peak, "");
    }

    /// Returns whether the system has killed one of its processes for want of memory.
    boolean hasRunOut() {
        return number(files.events, "oom_kill ").orElse(0) > 0;
    }

    /// Kills all that runs in it.
    void kill() {
        for (String process : lines(PROCESSES)) {
            ProcessHandle.of(Long.parseLong(process)).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    /// The system takes a while to forget processes that have ended.
    @Override
    public void close() throws IOException {
        for (int tries = 1; ; tries++) {
            kill();
            try {
                Files.deleteIfExists(directory);
                break;
            } catch (IOException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
                sleep();
            }
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending already
        }
    }

    private OptionalLong number(String file, String key) {
        return lines(file).stream()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> Long.parseLong(line.substring(key.length()).strip()))
                .findFirst();
    }

    private List<String> lines(String file) {
        try {
            return Files.readAllLines(directory.resolve(file));
        } catch (IOException e) {
            return List.of(); // the group is gone, or older systems have no such file
        }
    }

    private static void sleep() {
        boolean interrupted = Thread.interrupted();
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
