package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MemoryAlarmTest {
    @TempDir
    Path linux = Path.of("");

    @Test
    void whereNobodyTellsThereIsNone() {
        assertTrue(MemoryAlarm.start(linux, refused -> {}).isEmpty());
    }

    @Test
    void endsWhenItIsClosedAndLeavesNoThread() {
        for (int i = 0; i < 20; i++) {
            Optional<MemoryAlarm> alarm = MemoryAlarm.start(refused -> {});
            alarm.ifPresent(MemoryAlarm::close);
        }
        assertEquals(
                0,
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().equals("moetier-memory-alarm"))
                        .count());
    }

    @Test
    void anInterruptIsKept() {
        Optional<MemoryAlarm> alarm = MemoryAlarm.start(refused -> {});
        Thread.currentThread().interrupt();
        alarm.ifPresent(MemoryAlarm::close);
        assertTrue(Thread.interrupted());
    }
}
