package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryPressureTest {
    private static final String VERSION_2 = "30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    private static final String VERSION_1 = "31 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    @TempDir
    Path linux = Path.of("");

    private void write(String file, String text) throws IOException {
        Path path = linux.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private static String stalls(String percent) {
        return "some avg10=" + percent + " avg60=90.00 avg300=80.00 total=5\nfull avg10=99.00 avg60=0.00 total=2\n";
    }

    @Test
    void whereNobodyTellsNothingIsShort() {
        assertEquals(MemoryPressure.NONE, MemoryPressure.of(linux));
    }

    @Test
    void theHardestPressedOfTheMachineAndTheGroupsCounts() throws IOException {
        write("proc/self/mountinfo", VERSION_2);
        write("proc/self/cgroup", "0::/a/b\n");
        write("proc/pressure/memory", stalls("1.25"));
        assertEquals(new MemoryPressure(1.25, 0), MemoryPressure.of(linux));
        write("sys/fs/cgroup/a/memory.pressure", stalls("34.50"));
        write("sys/fs/cgroup/a/b/memory.pressure", stalls("2.00"));
        write("sys/fs/cgroup/a/b/memory.events", "low 1\nhigh 20\nmax 300\noom 4000\noom_kill 0\n");
        write("sys/fs/cgroup/a/memory.events", "low 0\nhigh 5\nmax 0\n");
        assertEquals(new MemoryPressure(34.5, 325), MemoryPressure.of(linux));
    }

    @Test
    void version1CountsFailures() throws IOException {
        write("proc/self/mountinfo", VERSION_1);
        write("proc/self/cgroup", "4:memory:/a\n");
        write("sys/fs/cgroup/memory/a/memory.failcnt", "17\n");
        assertEquals(new MemoryPressure(0, 17), MemoryPressure.of(linux));
    }

    @Test
    void whatIsNoFigureIsPassedOver() throws IOException {
        write("proc/pressure/memory", "some avg10=much avg60=0\nsome avg10=\n\n");
        assertEquals(MemoryPressure.NONE, MemoryPressure.of(linux));
    }

    @Test
    void thisMachineTells() {
        MemoryPressure now = MemoryPressure.now();
        assertTrue(now.stalled() >= 0 && now.stalled() <= 100 && now.events() >= 0, now::toString);
    }
}
