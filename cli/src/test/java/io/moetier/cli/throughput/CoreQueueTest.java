package io.moetier.cli.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoreQueueTest {
    @TempDir
    Path tasks = Path.of("");

    @Test
    void aThreadThatEndsMeanwhileHidesNoOther() throws IOException {
        write("1", "main", "10 20 3");
        write("2", "moetier-kernel-0", "10 30 3");
        write("3", "moetier-loader-0", "10 40 3");
        Files.createDirectory(tasks.resolve("4")); // what is left of one while its folder goes
        assertEquals(Map.of("1", 20L, "2", 30L), CoreQueue.of(tasks, "1").nanos());
    }

    @Test
    void noThreadWaitsLongerThanTheTimeThatPassed() {
        CoreQueue before = new CoreQueue(Map.of("1", 20L, "2", 30L));
        CoreQueue after = new CoreQueue(Map.of("1", 25L, "2", 50L, "3", 1000L));
        assertEquals(20, after.since(before, 100));
        assertEquals(15, after.since(before, 15));
        assertEquals(0, after.since(new CoreQueue(Map.of()), 100));
    }

    private void write(String task, String name, String counters) throws IOException {
        Path folder = Files.createDirectory(tasks.resolve(task));
        Files.writeString(folder.resolve("comm"), name + "\n");
        Files.writeString(folder.resolve("schedstat"), counters + "\n");
    }
}
