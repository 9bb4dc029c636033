package io.moetier.storage.memory;

import java.nio.file.Path;
import java.util.List;

/// What this process holds of main memory, as Linux counts it; 0 elsewhere.
///
/// @param peakResidentBytes the most pages it ever had, those of mapped files among them
/// @param residentBytes the pages it has now
/// @param anonymousBytes pages it has now that belong to no file, which alone compare between ways of reading: the
///     kernel can drop pages of files whenever it needs the room
public record ProcessMemory(long peakResidentBytes, long residentBytes, long anonymousBytes) {
    /// Returns what it is now.
    public static ProcessMemory now() {
        return parse(SystemFiles.lines(Path.of("/proc/self/status")));
    }

    static ProcessMemory parse(List<String> status) {
        return new ProcessMemory(bytes(status, "VmHWM:"), bytes(status, "VmRSS:"), bytes(status, "RssAnon:"));
    }

    private static long bytes(List<String> status, String key) {
        return status.stream()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }
}
