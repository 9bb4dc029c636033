package io.moetier.kernels.cpu.bandwidth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The caches in front of main memory, as Linux lists them.
final class LastLevelCaches {
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");
    private static final int LEVELS = 8;

    private LastLevelCaches() {}

    /// Returns the bytes of all of them together, or 0 if that is not known.
    static long bytes() {
        return bytes(CPUS);
    }

    /// Returns the same of the processors listed in a directory. Those that share a cache name each other, so it is
    /// counted once.
    static long bytes(Path directory) {
        Set<String> seen = new HashSet<>();
        long bytes = 0;
        try (var cpus = Files.newDirectoryStream(directory, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                Path cache = last(cpu.resolve("cache"));
                if (cache != null && seen.add(Files.readString(cache.resolve("shared_cpu_list")))) {
                    bytes += kibibytes(Files.readString(cache.resolve("size")).strip()) << 10;
                }
            }
        } catch (IOException e) {
            return 0; // not Linux, or the file system is hidden
        }
        return bytes;
    }

    /// Returns the last of the caches of one processor; those of the first level have the lowest numbers.
    private static @Nullable Path last(Path caches) {
        for (int i = LEVELS; i >= 0; i--) {
            Path cache = caches.resolve("index" + i);
            if (Files.isReadable(cache.resolve("size")) && Files.isReadable(cache.resolve("shared_cpu_list"))) {
                return cache;
            }
        }
        return null;
    }

    private static long kibibytes(String size) {
        return size.matches("\\d{1,12}K") ? Long.parseLong(size, 0, size.length() - 1, 10) : 0;
    }
}
