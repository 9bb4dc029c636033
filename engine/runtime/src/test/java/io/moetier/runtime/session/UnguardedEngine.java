package io.moetier.runtime.session;

import io.moetier.storage.memory.MemoryPressure;
import java.nio.file.Path;
import java.util.List;

/// Opens engines whose slots nobody else moves: this machine may be short of memory, or have room again.
final class UnguardedEngine {
    private UnguardedEngine() {}

    static Engine open(Path store, EngineConfig config) {
        return Engine.open(store, config, slots -> new MemoryGuard(List::of, () -> MemoryPressure.NONE, slots));
    }
}
