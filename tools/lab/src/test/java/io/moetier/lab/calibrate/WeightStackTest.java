package io.moetier.lab.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.synthetic.ModelShape;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightStackTest {
    private static final ModelShape SHAPE = new ModelShape(2, 256, 4, 8, 2, 256, 1024);

    @TempDir
    Path folder = Path.of("");

    @Test
    void layersAreTimedByTheirMisses() throws IOException {
        WeightStack stack = WeightStack.write(folder, "stack", SHAPE, EngineConfig.DEFAULT.withThreads(1));
        try (ExpertStore store = ExpertStore.open(stack.store(), IoMode.PREAD)) {
            assertEquals(store.layouts().getFirst().slotBytes(), stack.expertBytes());
        }
        assertEquals(2.0 * (stack.denseBytes() + 4 * stack.expertBytes()), stack.bytes(0.5));
        assertEquals(stack.bytes(1), WeightStack.bytes(SHAPE));
        LayerTimes half = new LayerTimes(2);
        stack.decode(IoMode.PREAD, 0.5, PrefetchChoice.OFF, 0, half); // the first layer has none before it
        assertEquals(
                WeightStack.LEAST_TOKENS,
                half.ofMisses(0).size()
                        + half.ofMisses(1).size()
                        + half.ofMisses(2).size());
        assertTrue(half.ofMisses(1).size() > 0);
        assertEquals(WeightStack.LEAST_TOKENS, half.all().size());
        LayerTimes later = new LayerTimes(2, Phase.DECODE, 2);
        stack.decode(IoMode.PREAD, 0.5, PrefetchChoice.ON, 0, later);
        assertEquals(0, later.all().size()); // of two layers none is behind the second
        LayerTimes none = new LayerTimes(2);
        stack.decode(IoMode.DIRECT, 2.0 / 16, PrefetchChoice.OFF, 0, none); // what one layer needs
        assertEquals(WeightStack.LEAST_TOKENS, none.ofMisses(2).size());
        LayerTimes read = new LayerTimes(2, Phase.PREFILL, 1);
        stack.read(32, 0, read);
        assertEquals(1, read.ofMisses(0).size());
        Thread.currentThread().interrupt();
        try {
            assertThrows(
                    InterruptedIOException.class, () -> stack.decode(IoMode.PREAD, 1, PrefetchChoice.OFF, 0, half));
        } finally {
            assertTrue(Thread.interrupted());
        }
    }
}
