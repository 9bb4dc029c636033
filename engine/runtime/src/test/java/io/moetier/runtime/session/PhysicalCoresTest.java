package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Four cores of two hardware threads each: 0 and 4, 1 and 5, 2 and 6, 3 and 7.
class PhysicalCoresTest {
    private static final int CORES = 4;

    @TempDir
    Path directory = Path.of("");

    @BeforeEach
    void writesTopology() throws IOException {
        for (int cpu = 0; cpu < 2 * CORES; cpu++) {
            Path topology = Files.createDirectories(directory.resolve("cpu" + cpu + "/topology"));
            int core = cpu % CORES;
            Files.writeString(topology.resolve("thread_siblings_list"), core + "," + (core + CORES) + "\n");
        }
    }

    @Test
    void aProcessThatIsBoundToThreadsOfOneCoreHasOne() throws IOException {
        assertEquals(1, count("1,5", 2));
        assertEquals(2, count("0-1,4", 3));
        assertEquals(4, count("0-7", 8));
    }

    @Test
    void noMoreCountThanTheJvmMayUse() throws IOException {
        assertEquals(2, count("0-7", 2)); // a quota of time binds to no processor
    }

    @Test
    void whatIsNotToldDoesNotCount() {
        assertEquals(4, PhysicalCores.count(directory, directory.resolve("nothing"), 8));
        assertEquals(8, PhysicalCores.count(directory.resolve("nothing"), directory.resolve("nothing"), 8));
    }

    private int count(String allowed, int processors) throws IOException {
        Path status = directory.resolve("status");
        Files.writeString(status, "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t" + allowed + "\n");
        return PhysicalCores.count(directory, status, processors);
    }
}
