package io.moetier.storage.memory;

import io.moetier.storage.memory.MemoryLimit.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The memory limits of this process's control groups, of both versions: of its own group and of every group above it
/// that can be seen, for each of them holds.
///
/// `/proc/self/cgroup` names the process's group in each hierarchy, as seen from the root of its namespace, and
/// `/proc/self/mountinfo` says which group of a hierarchy is mounted where; in a container that is often the
/// container's own. A path that begins with `/..` leads out of the namespace.
final class ControlGroups {
    /// Version 1 has no word for no limit, but the largest whole number of pages.
    private static final long NO_LIMIT = 1L << 62;

    private static final String UP = "..";
    private static final Pattern OCTAL = Pattern.compile("\\\\([0-7]{3})");

    private ControlGroups() {}

    /// A mounted hierarchy that counts memory.
    ///
    /// @param root the group that is mounted, in names of groups
    private record Mount(boolean isVersion2, List<String> root, Path directory) {
        /// Reads a line of mountinfo: number, parent, device, root, directory, options, any more, `-`, type, source,
        /// options of the type.
        static Optional<Mount> parse(String line, Path linux) {
            if (!line.contains(" - cgroup")) {
                return Optional.empty();
            }
            String[] fields = line.split(" ");
            int type = Arrays.asList(fields).indexOf("-") + 1;
            if (type < 7 || fields.length < type + 3) {
                return Optional.empty();
            }
            boolean isVersion2 = fields[type].equals("cgroup2");
            boolean isVersion1 = fields[type].equals("cgroup")
                    && Arrays.asList(fields[type + 2].split(",")).contains("memory");
            return isVersion1 || isVersion2
                    ? Optional.of(
                            new Mount(isVersion2, names(unescape(fields[3])), below(linux, names(unescape(fields[4])))))
                    : Optional.empty();
        }

        /// Returns the names of the groups from the mounted one down to `group`, as far as they are known; nothing if
        /// the mounted one is not above it.
        Optional<List<String>> wayTo(List<String> group) {
            long levelsUp = group.stream().takeWhile(UP::equals).count();
            if (startsWith(group, root) && levelsUp <= root.size()) {
                return Optional.of(group.subList(root.size(), group.size()));
            }
            boolean isAboveNamespace = !root.isEmpty() && root.stream().allMatch(UP::equals);
            return isAboveNamespace && levelsUp <= root.size() ? Optional.of(List.of()) : Optional.empty();
        }

        private static boolean startsWith(List<String> names, List<String> beginning) {
            return names.size() >= beginning.size()
                    && names.subList(0, beginning.size()).equals(beginning);
        }

        /// Blanks and the like are written as three octal digits.
        private static String unescape(String field) {
            return OCTAL.matcher(field)
                    .replaceAll(match ->
                            Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(match.group(1), 8))));
        }
    }

    /// Returns the limits that hold for the process whose files are those of `linux`.
    static List<MemoryLimit> limits(Path linux) {
        List<MemoryLimit> limits = new ArrayList<>();
        directories(linux).forEach((directory, isVersion2) -> {
            if (isVersion2) {
                ofVersion2(directory).ifPresent(limits::add);
            } else {
                List<String> stat = stat(directory);
                ofVersion1(directory, stat).ifPresent(limits::add);
                withSwapOfVersion1(directory, stat).ifPresent(limits::add);
            }
        });
        return limits;
    }

    /// Returns the directories of the process's groups and of those above, and whether they are of version 2.
    static Map<Path, Boolean> directories(Path linux) {
        List<Mount> mounts = SystemFiles.lines(linux.resolve("proc/self/mountinfo")).stream()
                .map(line -> Mount.parse(line, linux))
                .flatMap(Optional::stream)
                .toList();
        Map<Path, Boolean> directories = new LinkedHashMap<>();
        for (String line : SystemFiles.lines(linux.resolve("proc/self/cgroup"))) {
            String[] fields = line.split(":", 3); // number, controllers, path
            if (fields.length == 3) {
                boolean isVersion2 = fields[1].isEmpty();
                if (isVersion2 || Arrays.asList(fields[1].split(",")).contains("memory")) {
                    List<Mount> own = mounts.stream()
                            .filter(mount -> mount.isVersion2 == isVersion2)
                            .toList();
                    levels(own, names(fields[2])).forEach(level -> directories.put(level, isVersion2));
                }
            }
        }
        return directories;
    }

    /// Where no mount is known to be above the group, what is mounted is taken for the container that this is.
    private static List<Path> levels(List<Mount> mounts, List<String> group) {
        List<Path> levels = new ArrayList<>();
        for (Mount mount : mounts) {
            mount.wayTo(group).ifPresent(way -> {
                for (int depth = way.size(); depth >= 0; depth--) {
                    levels.add(below(mount.directory, way.subList(0, depth)));
                }
            });
        }
        if (levels.isEmpty() && !group.contains(UP)) {
            mounts.forEach(mount -> levels.add(mount.directory));
        }
        return levels;
    }

    /// Above `memory.high` the kernel slows a process down until it frees memory, which it will not.
    private static Optional<MemoryLimit> ofVersion2(Path group) {
        OptionalLong limit = least(number(group, "memory.max", ""), number(group, "memory.high", ""));
        return isLimit(limit)
                ? Optional.of(limit(group, limit, "memory.current", pageCache(stat(group), "")))
                : Optional.empty();
    }

    /// Groups of version 1 tell the least limit of those above, also of those that cannot be seen.
    private static Optional<MemoryLimit> ofVersion1(Path group, List<String> stat) {
        OptionalLong limit = least(
                number(group, "memory.limit_in_bytes", ""), SystemFiles.number(stat, "hierarchical_memory_limit "));
        return isLimit(limit)
                ? Optional.of(limit(group, limit, "memory.usage_in_bytes", pageCache(stat, "total_")))
                : Optional.empty();
    }

    /// What was swapped out no longer counts as memory, but still here: what is loaded next may find no room.
    private static Optional<MemoryLimit> withSwapOfVersion1(Path group, List<String> stat) {
        OptionalLong limit = number(group, "memory.memsw.limit_in_bytes", "");
        return isLimit(limit)
                ? Optional.of(limit(group, limit, "memory.memsw.usage_in_bytes", pageCache(stat, "total_")))
                : Optional.empty();
    }

    /// Returns the lines that are dearest to the kernel, which sums them up for whoever reads them.
    private static List<String> stat(Path group) {
        return SystemFiles.lines(group.resolve("memory.stat"));
    }

    private static long pageCache(List<String> stat, String prefix) {
        return SystemFiles.number(stat, prefix + "active_file ").orElse(0)
                + SystemFiles.number(stat, prefix + "inactive_file ").orElse(0);
    }

    private static boolean isLimit(OptionalLong bytes) {
        return bytes.isPresent() && bytes.getAsLong() < NO_LIMIT;
    }

    /// @param used the file that tells it
    /// @param reclaimable page cache, which counts as used but goes where memory is needed; not that of tmpfs
    private static MemoryLimit limit(Path group, OptionalLong limit, String used, long reclaimable) {
        return new MemoryLimit(
                Kind.GROUP,
                "the control group " + group,
                limit.orElseThrow(),
                Math.max(0, number(group, used, "").orElse(0) - Math.max(0, reclaimable)));
    }

    private static OptionalLong least(OptionalLong a, OptionalLong b) {
        return a.isPresent() && b.isPresent()
                ? OptionalLong.of(Math.min(a.getAsLong(), b.getAsLong()))
                : a.isPresent() ? a : b;
    }

    private static OptionalLong number(Path group, String file, String key) {
        return SystemFiles.number(group.resolve(file), key);
    }

    private static List<String> names(String path) {
        return Arrays.stream(path.split("/")).filter(name -> !name.isEmpty()).toList();
    }

    private static Path below(Path directory, Collection<String> names) {
        Path path = directory;
        for (String name : names) {
            path = path.resolve(name);
        }
        return path;
    }
}
