package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.StoreSource;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.ExpertShare;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.runtime.remote.NodeRows;
import io.moetier.runtime.remote.SharedExperts;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A node beside a GPU computes what the GPU does not: nothing but rounding tells, and whoever connects them is told
/// that it does.
@Timeout(600)
class EmulatedNodesTest {
    private static final int[] TEXT = {5, 9, 20, 33, 7, 41, 12, 3};
    private static final int PROMPT = 6;
    private static final float TOLERANCE = 1e-3f;

    @TempDir
    static Path directory = Path.of("");

    /// A node on the processor that takes every other expert, and what comes back of which may be lost.
    private static final class Node implements ExpertNodes {
        private final Device device = CpuDevice.open(1, KernelChoice.AUTO);
        private final ExpertShare share;
        private final boolean loses;

        Node(Driven engine, boolean loses) {
            assertNotEquals(KernelBits.of(device), engine.kernels(), "a GPU has bits of its own");
            this.loses = loses;
            SharedExperts shared = new SharedExperts(
                    new StoreSource(engine.store(), new Counters()),
                    layer -> engine.store().layout(ExpertId.pack(layer, 0)),
                    SharedExperts.activations(engine.spec()));
            share = ExpertShare.open(
                    shared, device, shared.minimumBytes(), Policies.byRoom(), Loaders.THREADS, new Counters());
        }

        @Override
        public boolean takes(int layer, int expert) {
            return expert % 2 == 0;
        }

        @Override
        public void send(NodeRows rows) {
            assertTrue(rows.numExperts() > 0);
        }

        @Override
        public int receive(NodeRows rows, float[] results, boolean[] missing) {
            if (loses) {
                Arrays.fill(missing, 0, rows.numExperts(), true);
                return rows.numExperts();
            }
            int _ = share.compute(rows, results);
            return 0;
        }

        @Override
        public void close() {
            share.close();
            device.close();
        }
    }

    /// Biases, latents and inputs that are weighted are among them.
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "gpt_oss", "nemotron_h_moe_latent", "llama4_scout"})
    void onlyRoundingTellsWhatANodeComputed(String name) {
        Path store = EmulatedEngines.store(directory, TestData.golden(name));
        EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT);
        float[] expected;
        try (Engine engine = Engine.open(store, config)) {
            expected = logits(engine);
        }
        try (Engine engine = Engine.open(store, config.withNodes(driven -> new Node(driven, false)))) {
            assertArrayEquals(expected, logits(engine), TOLERANCE);
            assertTrue(engine.stats().nodeExperts() > 0);
        }
        try (Engine engine = Engine.open(store, config.withNodes(driven -> new Node(driven, true)))) {
            assertArrayEquals(expected, logits(engine));
            assertTrue(engine.stats().nodeMisses() > 0);
            assertEquals(0, engine.stats().nodeExperts());
        }
    }

    private static float[] logits(Engine engine) {
        int vocabSize = engine.spec().vocabSize();
        try (Session session = engine.newSession()) {
            float[] all = new float[TEXT.length * vocabSize];
            float[] ofPrompt = EmulatedEngines.logits(session, Arrays.copyOf(TEXT, PROMPT), vocabSize);
            System.arraycopy(ofPrompt, 0, all, 0, ofPrompt.length);
            for (int i = PROMPT; i < TEXT.length; i++) {
                session.decode(TEXT[i]);
                System.arraycopy(session.logits(), 0, all, i * vocabSize, vocabSize);
            }
            return all;
        }
    }
}
