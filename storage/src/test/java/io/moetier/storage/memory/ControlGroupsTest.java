package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The files are those that Linux shows, below another root.
class ControlGroupsTest {
    private static final String V2_MOUNT =
            "30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
    private static final String V1_MOUNT = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";

    @TempDir
    Path linux = Path.of("");

    @Nested
    class Version2 {
        @Test
        void theLimitLeavesWhatIsNotUsedAndPageCacheGoes() throws IOException {
            process("0::/user.slice/app.scope", V2_MOUNT);
            group(
                    "sys/fs/cgroup/user.slice/app.scope",
                    "memory.max",
                    "1000",
                    "memory.current",
                    "700",
                    "memory.stat",
                    "anon 250\nfile 450\nshmem 50\ninactive_file 300\nactive_file 100");
            assertEquals(1000 - (700 - 400), only().availableBytes());
            assertEquals("the control group " + linux.resolve("sys/fs/cgroup/user.slice/app.scope"), only().what());
        }

        @Test
        void everyLevelHolds() throws IOException {
            process("0::/a.slice/b.slice/c.scope", V2_MOUNT);
            group("sys/fs/cgroup/a.slice/b.slice/c.scope", "memory.max", "max", "memory.current", "10");
            group("sys/fs/cgroup/a.slice/b.slice", "memory.max", "3000", "memory.current", "500");
            group("sys/fs/cgroup/a.slice", "memory.max", "2000", "memory.current", "600");
            group("sys/fs/cgroup/other.slice", "memory.max", "1", "memory.current", "1");
            assertEquals(List.of(2500L, 1400L), available());
        }

        @Test
        void aGroupIsSlowedDownFromItsHighLimitOn() throws IOException {
            process("0::/app", V2_MOUNT);
            group("sys/fs/cgroup/app", "memory.max", "max", "memory.high", "500", "memory.current", "100");
            assertEquals(List.of(400L), available());
        }

        @Test
        void aContainerSeesItselfAsTheRoot() throws IOException {
            process("0::/", V2_MOUNT);
            group("sys/fs/cgroup", "memory.max", "1000", "memory.current", "100");
            assertEquals(List.of(900L), available());
        }

        @Test
        void aContainerWithTheNamespaceOfItsHostHasOnlyItsOwnMounted() throws IOException {
            process(
                    "0::/docker/f00/inner",
                    "30 24 0:27 /docker/f00 /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate");
            group("sys/fs/cgroup/inner", "memory.max", "800", "memory.current", "100");
            group("sys/fs/cgroup", "memory.max", "1000", "memory.current", "100");
            assertEquals(List.of(700L, 900L), available());
        }

        @Test
        void whatIsMountedFromAboveTheNamespaceHolds() throws IOException {
            process("0::/", "30 24 0:27 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
            group("sys/fs/cgroup", "memory.max", "1000", "memory.current", "100");
            assertEquals(List.of(900L), available());
        }

        @Test
        void aGroupOutsideTheNamespaceCannotBeSeen() throws IOException {
            process("0::/../sibling", V2_MOUNT);
            group("sys/fs/cgroup", "memory.max", "1000", "memory.current", "100");
            group("sys/fs/sibling", "memory.max", "1000", "memory.current", "100");
            assertEquals(List.of(), available());
            process("0::/../sibling", "30 24 0:27 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
            group("sys/fs/cgroup/sibling", "memory.max", "300", "memory.current", "100");
            assertEquals(List.of(200L, 900L), available());
        }

        @Test
        void withoutLimitThereIsNone() throws IOException {
            process("0::/app", V2_MOUNT);
            group("sys/fs/cgroup/app", "memory.max", "max", "memory.high", "max", "memory.current", "100");
            assertEquals(List.of(), available());
        }
    }

    @Nested
    class Version1 {
        @Test
        void theTotalsOfAGroupCount() throws IOException {
            process("9:cpu,cpuacct:/\n4:memory:/app", V1_MOUNT);
            group(
                    "sys/fs/cgroup/memory/app",
                    "memory.limit_in_bytes",
                    "1000",
                    "memory.usage_in_bytes",
                    "900",
                    "memory.stat",
                    "inactive_file 1\nactive_file 2\nhierarchical_memory_limit 1000\n"
                            + "total_inactive_file 300\ntotal_active_file 200");
            assertEquals(List.of(600L), available());
        }

        @Test
        void whatIsSwappedOutStillCountsWhereSwapIsLimited() throws IOException {
            process("4:memory:/app", V1_MOUNT);
            group(
                    "sys/fs/cgroup/memory/app",
                    "memory.limit_in_bytes",
                    "1000",
                    "memory.usage_in_bytes",
                    "600",
                    "memory.memsw.limit_in_bytes",
                    "1200",
                    "memory.memsw.usage_in_bytes",
                    "1100",
                    "memory.stat",
                    "total_inactive_file 100");
            assertEquals(List.of(500L, 200L), available());
        }

        @Test
        void theLargestNumberOfPagesIsNoLimit() throws IOException {
            for (String none : List.of("9223372036854771712", "9223372036854710272", "18446744073709551615")) {
                process("4:memory:/app", V1_MOUNT);
                group("sys/fs/cgroup/memory/app", "memory.limit_in_bytes", none, "memory.usage_in_bytes", "5");
                assertEquals(List.of(), available());
            }
        }

        @Test
        void everyLevelHolds() throws IOException {
            process("4:memory:/a/b", V1_MOUNT);
            group("sys/fs/cgroup/memory", "memory.limit_in_bytes", "9223372036854771712");
            group("sys/fs/cgroup/memory/a", "memory.limit_in_bytes", "500", "memory.usage_in_bytes", "100");
            group("sys/fs/cgroup/memory/a/b", "memory.limit_in_bytes", "900", "memory.usage_in_bytes", "50");
            assertEquals(List.of(850L, 400L), available());
        }

        @Test
        void theLimitOfAGroupThatIsNotMountedIsTold() throws IOException {
            process(
                    "4:memory:/kubepods/pod1/f00",
                    "35 31 0:32 /kubepods/pod1/f00 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory");
            group(
                    "sys/fs/cgroup/memory",
                    "memory.limit_in_bytes",
                    "9223372036854771712",
                    "memory.usage_in_bytes",
                    "100",
                    "memory.stat",
                    "hierarchical_memory_limit 700");
            assertEquals(List.of(600L), available());
        }

        @Test
        void whatIsMountedIsTakenForTheContainerWherePathsDoNotFit() throws IOException {
            process("4:memory:/", "35 31 0:32 /docker/f00 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory");
            group("sys/fs/cgroup/memory", "memory.limit_in_bytes", "700", "memory.usage_in_bytes", "100");
            assertEquals(List.of(600L), available());
        }
    }

    @Test
    void memoryMayBeCountedByVersion1BesideAHierarchyOfVersion2() throws IOException {
        process(
                "4:memory:/app\n1:cpu:/\n0::/",
                "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" + V1_MOUNT
                        + "\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
        group("sys/fs/cgroup/memory/app", "memory.limit_in_bytes", "1500000000", "memory.usage_in_bytes", "0");
        group("sys/fs/cgroup/unified");
        assertEquals(List.of(1_500_000_000L), available());
    }

    @Test
    void directoriesMayHaveBlanks() throws IOException {
        process("0::/my app", "30 24 0:27 / /my\\040groups rw - cgroup2 cgroup2 rw");
        group("my groups/my app", "memory.max", "10", "memory.current", "1");
        assertEquals(List.of(9L), available());
    }

    @Test
    void whatCannotBeReadLimitsNothing() throws IOException {
        assertEquals(List.of(), available());
        process("nonsense\n0::/app", "nonsense - \n\n1 2 3 4 5 6 - cgroup2\n" + V2_MOUNT);
        group("sys/fs/cgroup/app", "memory.max", "a lot", "memory.current", "-");
        assertEquals(List.of(), available());
    }

    @Test
    void moreUsedThanAllowedLeavesNothing() throws IOException {
        process("0::/app", V2_MOUNT);
        group("sys/fs/cgroup/app", "memory.max", "10", "memory.current", "20");
        assertEquals(List.of(0L), available());
    }

    private MemoryLimit only() {
        List<MemoryLimit> limits = ControlGroups.limits(linux);
        assertEquals(1, limits.size(), limits::toString);
        return limits.getFirst();
    }

    private List<Long> available() {
        return ControlGroups.limits(linux).stream()
                .map(MemoryLimit::availableBytes)
                .toList();
    }

    private void process(String groups, String mounts) throws IOException {
        Path self = Files.createDirectories(linux.resolve("proc/self"));
        Files.writeString(self.resolve("cgroup"), groups + "\n");
        Files.writeString(self.resolve("mountinfo"), "23 1 0:1 / / rw - overlay overlay rw\n" + mounts + "\n");
    }

    private void group(String directory, String... filesAndContents) throws IOException {
        Path group = Files.createDirectories(linux.resolve(directory));
        for (int i = 0; i < filesAndContents.length; i += 2) {
            Files.writeString(group.resolve(filesAndContents[i]), filesAndContents[i + 1] + "\n");
        }
    }
}
