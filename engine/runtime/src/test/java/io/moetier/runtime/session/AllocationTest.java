package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.remote.DirectNode;
import io.moetier.testdata.TestData;
import io.moetier.testdata.WarmCode;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The decode loop allocates nothing on the heap, with all experts resident and with experts paged from disk.
class AllocationTest {
    private static final int TOKENS = 50;

    /// Uncompiled code allocates what compiled code does not, so the first rounds do not count; later ones must show
    /// that nothing at all is left.
    private static final int QUIET_ROUNDS = 3;

    /// A segment, its scope's list entry and the arena's bookkeeping.
    private static final long BYTES_PER_SEGMENT = 1024;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void residentDecodeAllocatesNothing(KernelChoice kernels) {
        assertDecodeAllocatesNothing(EngineConfig.DEFAULT.withKernels(kernels));
    }

    /// `tinylfu` is left out: Caffeine allocates an iterator and a stream for each eviction.
    @ParameterizedTest
    @ValueSource(strings = {"lru", "lfu", "gate"})
    void pagedDecodeAllocatesNothing(String policy) {
        assertDecodeAllocatesNothing(
                EngineConfig.DEFAULT.withRamBytes(minimumRamBytes()).withPolicy(policy, Optional.empty()));
    }

    /// Some of what is missing is left out, some read in fewer bits.
    @Test
    void decodeWithCopiesAllocatesNothing() {
        Path copies = ImportedStores.of(TestData.tinyMixtral(), Quantisation.Q8_0);
        ExpertSelection selection = ExpertSelection.TRAINED.withMaxKld(1).withCopies(Optional.of(copies));
        EngineConfig config = EngineConfig.DEFAULT
                .withRamBytes(3 * minimumRamBytes())
                .withPolicy("lru", Optional.empty())
                .withSelection(selection);
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), config);
                Session session = engine.newSession()) {
            engine.loss().limit(1, 0.1);
            session.prefill(new int[] {1, 5, 9});
            assertDecodeAllocatesNothing(engine, session);
            assertTrue(engine.loss().shareCopied() > 0, "no copy was taken");
        }
    }

    /// Going back for the next round has the state computed again, which must not allocate either.
    @ParameterizedTest
    @ValueSource(
            strings = {"deepseek_v4", "jamba", "kimi_linear", "nemotron_h_moe_latent", "qwen3_5_moe", "qwen3_next"})
    void recurrentDecodeAllocatesNothing(String name) {
        assertDecodeAllocatesNothing(TestData.golden(name), EngineConfig.DEFAULT.withThreads(2));
    }

    /// After ten positions the keys of each token are chosen.
    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void decodeWithChosenKeysAllocatesNothing(KernelChoice kernels) {
        EngineConfig config = EngineConfig.DEFAULT.withKernels(kernels).withThreads(2);
        assertDecodeAllocatesNothing(TestData.golden("glm_moe_dsa_shared"), config);
    }

    /// Layers of two kinds, whose experts have factors and an MLP beside them.
    @Test
    void decodeWithFactorsOfExpertsAllocatesNothing() {
        assertDecodeAllocatesNothing(TestData.golden("gemma4_moe"), EngineConfig.DEFAULT.withThreads(2));
    }

    /// Half of the experts are computed elsewhere, those there allocate nothing either.
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "llama4_scout", "nemotron_h_moe_latent"})
    void decodeWithANodeAllocatesNothing(String name) {
        EngineConfig config = EngineConfig.DEFAULT.withThreads(2).withNodes(DirectNode::new);
        assertDecodeAllocatesNothing(TestData.golden(name), config);
    }

    @Test
    void decodeAfterAnImageAllocatesNothing() {
        Path model = TestData.golden("qwen3_vl_moe");
        GoldenCase golden = GoldenCase.read("qwen3_vl_moe");
        try (Engine engine = Engine.open(ImportedStores.of(model), EngineConfig.DEFAULT.withThreads(2));
                Session session = engine.newSession()) {
            session.look(golden.inputIds(), List.of(GoldenImageTest.image(model, engine.spec())));
            session.prefill(golden.inputIds());
            assertDecodeAllocatesNothing(engine, session);
        }
    }

    /// Every 256 positions each layer gets memory for the next ones: two segments, whose objects are on the heap.
    @Test
    void aNewChunkOfTheCacheIsAllThatALongerTextAllocates() {
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT)) {
            long most = 2 * BYTES_PER_SEGMENT * engine.spec().layers().size();
            long allocated = Long.MAX_VALUE;
            for (long begin = System.nanoTime();
                    allocated > most && System.nanoTime() - begin < WarmCode.PATIENCE_NANOS; ) {
                allocated = allocatedByAChunk(engine);
            }
            long last = allocated;
            assertTrue(last <= most, () -> last + " bytes");
        }
    }

    private static long allocatedByAChunk(Engine engine) {
        try (Session session = engine.newSession()) {
            Sampler sampler = new Sampler(SamplingParams.DEFAULT, engine.spec().vocabSize(), engine.contextLength());
            session.prefill(new int[] {1, 5, 9});
            decode(session, sampler, 240);
            long[] kernels = kernelThreads();
            long before = allocatedBytes(kernels);
            decode(session, sampler, 100); // across position 256
            return allocatedBytes(kernels) - before;
        }
    }

    private static long minimumRamBytes() {
        try (Engine engine = Engine.open(ImportedStores.of(TestData.tinyMixtral()), EngineConfig.DEFAULT)) {
            return engine.minimumRamBytes();
        }
    }

    private static void assertDecodeAllocatesNothing(EngineConfig config) {
        assertDecodeAllocatesNothing(TestData.tinyMixtral(), config);
    }

    private static void assertDecodeAllocatesNothing(Path model, EngineConfig config) {
        try (Engine engine = Engine.open(ImportedStores.of(model), config);
                Session session = engine.newSession()) {
            session.prefill(new int[] {1, 5, 9});
            assertDecodeAllocatesNothing(engine, session);
        }
    }

    private static void assertDecodeAllocatesNothing(Engine engine, Session session) {
        int prompt = session.position();
        Sampler sampler = new Sampler(SamplingParams.DEFAULT, engine.spec().vocabSize(), engine.contextLength());
        long[] kernels = kernelThreads();
        int quiet = 0;
        long allocated = 0;
        for (long end = System.nanoTime() + WarmCode.PATIENCE_NANOS;
                quiet < QUIET_ROUNDS && System.nanoTime() < end; ) {
            session.truncate(prompt);
            long before = allocatedBytes(kernels);
            decode(session, sampler, TOKENS);
            allocated = allocatedBytes(kernels) - before;
            quiet = allocated == 0 ? quiet + 1 : 0;
        }
        long last = allocated;
        assertEquals(QUIET_ROUNDS, quiet, () -> last + " bytes in the last " + TOKENS + " tokens");
    }

    private static void decode(Session session, Sampler sampler, int count) {
        for (int i = 0; i < count; i++) {
            int token = sampler.sample(session.largestLogits(sampler.numCandidates()));
            sampler.accept(token);
            session.decode(token);
        }
    }

    private static long[] kernelThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("moetier-kernel-"))
                .mapToLong(Thread::threadId)
                .toArray();
    }

    /// Sums over this thread and those that compute with it. The loaders are left out: reading a file allocates about
    /// 200 bytes inside the JDK.
    private static long allocatedBytes(long[] kernelThreads) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        for (long id : kernelThreads) {
            bytes += THREADS.getThreadAllocatedBytes(id);
        }
        return bytes;
    }
}
