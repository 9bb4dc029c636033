package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessMemoryTest {
    @Test
    void readsWhatLinuxSays() {
        List<String> status = List.of(
                "Name:\tjava", "VmHWM:\t  524288 kB", "VmRSS:\t 262144 kB", "RssAnon:\t   65536 kB", "Threads:\t9");
        assertEquals(new ProcessMemory(512 << 20, 256 << 20, 64 << 20), ProcessMemory.parse(status));
    }

    @Test
    void elsewhereThereIsNothing() {
        assertEquals(new ProcessMemory(0, 0, 0), ProcessMemory.parse(List.of()));
    }
}
