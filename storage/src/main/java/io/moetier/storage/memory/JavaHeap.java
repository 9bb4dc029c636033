package io.moetier.storage.memory;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;

/// The heap of this JVM.
public final class JavaHeap {
    private JavaHeap() {}

    /// Returns for how many bytes there is room beside what the last collection of garbage left.
    public static long room() {
        long used = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            MemoryUsage left = pool.getType() == MemoryType.HEAP ? pool.getCollectionUsage() : null;
            used += left == null ? 0 : left.getUsed();
        }
        return Math.max(0, Runtime.getRuntime().maxMemory() - used);
    }
}
