package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.KvLayer;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.testdata.TestData;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MemoryUseTest {
    private static final int BATCH_ROWS = 512;

    @Test
    void countsWhatIsHeldAndDecodingAddsNothing() {
        EngineConfig config = EngineConfig.DEFAULT.withPrefetch(PrefetchChoice.OFF); // each that is loaded is a miss
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), config);
                Session session = engine.newSession()) {
            MemoryUse before = session.memoryUse();
            assertEquals(0, before.experts());
            assertEquals(0, before.keyValues());
            session.prefill(IntStream.range(0, BATCH_ROWS).map(i -> i % 200).toArray());
            session.truncate(BATCH_ROWS - 1);
            session.decode(0); // its experts are computed together, those of the prompt perhaps as they arrived
            MemoryUse after = session.memoryUse();
            assertEquals(
                    engine.stats().expertMisses()
                            * engine.expertTiers().residentSummary().slotBytes(),
                    after.experts());
            assertEquals(
                    KvCache.bytes(engine.spec(), EngineConfig.DEFAULT.numerics().kv(), 2 * KvLayer.CHUNK_POSITIONS),
                    after.keyValues());
            assertEquals(before.otherWeights(), after.otherWeights());
            assertTrue(after.workspace() > before.workspace(), "kernels keep intermediate results");
            assertTrue(after.workspace()
                    > (long) BATCH_ROWS * Float.BYTES * engine.spec().hiddenSize());
            session.truncate(100);
            IntStream.range(0, 20).forEach(session::decode);
            assertEquals(after.keyValues(), session.memoryUse().keyValues());
            assertEquals(after.workspace(), session.memoryUse().workspace());
        }
    }
}
