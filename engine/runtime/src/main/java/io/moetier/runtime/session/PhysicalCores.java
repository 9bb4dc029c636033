package io.moetier.runtime.session;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/// Counts the cores that can compute at once; a second hardware thread of a core adds nothing to a memory-bound loop.
public final class PhysicalCores {
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");

    private static final int THREADS_PER_PROCESSOR = 4; // beyond it they only wait for each other

    private PhysicalCores() {}

    /// Returns how many threads may compute at most: four for each processor.
    public static int mostThreads() {
        return THREADS_PER_PROCESSOR * Runtime.getRuntime().availableProcessors();
    }

    /// Returns that limit as messages say what was expected.
    public static String limit() {
        return "at most " + mostThreads() + ", " + THREADS_PER_PROCESSOR + " for each processor";
    }

    /// Returns how many threads compute: `asked`, or one per physical core if that is 0.
    public static int threads(int asked) {
        return asked == 0 ? count() : asked;
    }

    /// Returns the physical cores, at most the processors the JVM may use.
    public static int count() {
        int processors = Runtime.getRuntime().availableProcessors();
        Set<String> siblings = new HashSet<>();
        try (var cpus = Files.newDirectoryStream(CPUS, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                Path list = cpu.resolve("topology/thread_siblings_list");
                if (Files.isReadable(list)) {
                    siblings.add(Files.readString(list));
                }
            }
        } catch (IOException e) {
            return processors; // not Linux, or the file system is hidden
        }
        return siblings.isEmpty() ? processors : Math.min(processors, siblings.size());
    }
}
