package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class AvailableMemoryTest {
    @Test
    void isSomethingAndLessThanTheMachineHas() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long bytes = AvailableMemory.bytes();
        assertTrue(bytes > 0 && bytes < system.getTotalMemorySize(), () -> String.valueOf(bytes));
    }
}
