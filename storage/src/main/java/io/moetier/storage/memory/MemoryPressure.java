package io.moetier.storage.memory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// How hard memory is to have, as Linux tells it: of the machine and of this process's control groups.
///
/// Pressure stall information says which share of the time tasks stood still for want of memory, of late. Events are
/// counted whenever a limit was met, also if page cache went at once; so only their rise says anything, and only where
/// little is left.
///
/// @param stalled percent of the last ten seconds in which some task waited for memory (`some avg10`), the highest of
///     all; 0 where nobody tells
/// @param events how often limits of the groups were met so far, `memory.high` among them
public record MemoryPressure(double stalled, long events) {
    /// Nothing is short.
    public static final MemoryPressure NONE = new MemoryPressure(0, 0);

    private static final String STALLED = "some avg10=";

    /// Returns what it is now.
    public static MemoryPressure now() {
        return of(Path.of("/"));
    }

    /// Returns what the files of `linux` tell.
    static MemoryPressure of(Path linux) {
        Map<Path, Boolean> groups = ControlGroups.directories(linux);
        double stalled = Stream.concat(
                        Stream.of(linux.resolve("proc/pressure/memory")),
                        groups.keySet().stream().map(group -> group.resolve("memory.pressure")))
                .mapToDouble(MemoryPressure::stalled)
                .max()
                .orElse(0);
        long events = 0;
        for (Map.Entry<Path, Boolean> group : groups.entrySet()) {
            events += group.getValue()
                    ? number(group.getKey(), "memory.events", "high ") + number(group.getKey(), "memory.events", "max ")
                    : number(group.getKey(), "memory.failcnt", "");
        }
        return new MemoryPressure(stalled, events);
    }

    private static long number(Path group, String file, String key) {
        return SystemFiles.number(group.resolve(file), key).orElse(0);
    }

    private static double stalled(Path file) {
        List<String> lines = SystemFiles.lines(file);
        return lines.stream()
                .filter(line -> line.startsWith(STALLED))
                .map(line -> line.substring(STALLED.length()).split(" ", 2)[0])
                .filter(percent -> percent.matches("\\d{1,3}(\\.\\d+)?"))
                .mapToDouble(Double::parseDouble)
                .max()
                .orElse(0);
    }
}
