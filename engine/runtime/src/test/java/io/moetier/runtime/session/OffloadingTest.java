package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.IoMode;
import io.moetier.testdata.Seeds;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Offloading never changes a token: for every budget from the smallest to everything, every policy, one and two
/// threads, all logits have the same bits.
class OffloadingTest {
    private static final int DECODED = 4;
    private static final int LONG_TEXT = 17; // one more than what `phimoe_longrope_long` takes for short
    private static final int[] PROMPT =
            IntStream.range(0, 20).map(i -> (i * 37 + 11) % 300).toArray();

    @TempDir
    Path directory;

    /// The trained model, with more experts than the others together, only with the fastest kernels.
    static Stream<Arguments> modelsAndKernels() {
        Stream<Arguments> small = Stream.of("qwen2_moe_sparse_step", "olmoe_clip_qkv")
                .flatMap(name -> KernelChoice.present().stream().map(kernels -> Arguments.of(name, kernels)));
        return Stream.concat(Stream.of(Arguments.of("tiny-mixtral", KernelChoice.AUTO)), small);
    }

    /// Every budget with every policy, and each of these with one thread here and with two there.
    @ParameterizedTest
    @MethodSource("modelsAndKernels")
    void everyBudgetPolicyAndThreadCountGivesTheSameBits(String name, KernelChoice kernels) {
        Path store = store(name);
        Path census = record(store);
        int[] expected = bits(store, EngineConfig.DEFAULT.withKernels(kernels).withThreads(1));
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT)) {
            long slotBytes = engine.expertTiers().residentSummary().slotBytes();
            for (long slots = engine.minimumRamBytes() / slotBytes; slots <= numExperts(engine); slots++) {
                int threads = 1 + (int) (slots % 2);
                for (String policy : Policies.names()) {
                    EngineConfig config = EngineConfig.DEFAULT
                            .withKernels(kernels)
                            .withThreads(threads)
                            .withRamBytes(slots * slotBytes)
                            .withPolicy(policy, Policies.needsCensus(policy) ? Optional.of(census) : Optional.empty());
                    String which = name + ", " + slots + " slots, " + policy + ", " + threads + " threads";
                    assertArrayEquals(expected, bits(store, config), which);
                    threads = 3 - threads;
                }
            }
        }
    }

    static List<String> goldenCases() {
        return TestData.GOLDEN_CASES;
    }

    /// Whatever a family computes: its blocks may remember what they like, but not where an expert was, nor how many
    /// tokens came at a time.
    @ParameterizedTest
    @MethodSource("goldenCases")
    void everyFamilyGivesTheSameBitsAtTheSmallestBudgetAndTokenByToken(String name) {
        Path store = store(name);
        int[] expected = bits(store, EngineConfig.DEFAULT.withThreads(1));
        EngineConfig smallest = EngineConfig.DEFAULT.withThreads(2).withRamBytes(minimumBytes(store));
        assertArrayEquals(expected, bits(store, smallest));
        try (Engine engine = Engine.open(store, smallest);
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            int[] bits = new int[PROMPT.length * vocab];
            int known = longTextsDiffer(name) ? LONG_TEXT : 0;
            if (known > 0) {
                session.prefill(
                        Arrays.copyOf(PROMPT, known), (position, logits) -> copyBits(logits, bits, position * vocab));
            }
            for (int position = known; position < PROMPT.length; position++) {
                session.decode(PROMPT[position]);
                copyBits(session.logits(), bits, position * vocab);
            }
            assertArrayEquals(Arrays.copyOf(expected, bits.length), bits);
        }
    }

    /// Says whether a case rotates long texts otherwise from their first token on, so that it must be known with the
    /// first pass that the text is long.
    private static boolean longTextsDiffer(String name) {
        return name.equals("phimoe_longrope_long");
    }

    @ParameterizedTest
    @EnumSource(IoMode.class)
    void everyWayOfReadingGivesTheSameBits(IoMode io) {
        Path store = store("tiny-mixtral");
        EngineConfig paged = EngineConfig.DEFAULT
                .withThreads(2)
                .withRamBytes(minimumBytes(store))
                .withIo(io);
        assertArrayEquals(bits(store, EngineConfig.DEFAULT), bits(store, paged));
    }

    @Test
    void quotasAroundAPolicyWithACensusGiveTheSameBits() {
        Path store = store("tiny-mixtral");
        EngineConfig config = EngineConfig.DEFAULT
                .withRamBytes(minimumBytes(store) * 12)
                .withPolicy("layer:static", Optional.of(record(store)));
        assertArrayEquals(bits(store, EngineConfig.DEFAULT), bits(store, config));
    }

    @ParameterizedTest
    @EnumSource(PrefetchChoice.class)
    void loadingAheadGivesTheSameBits(PrefetchChoice prefetch) {
        Path store = store("tiny-mixtral");
        for (int slots : new int[] {2, 3, 12, 40}) {
            EngineConfig config = EngineConfig.DEFAULT
                    .withRamBytes(minimumBytes(store) / 2 * slots)
                    .withPrefetch(prefetch);
            assertArrayEquals(bits(store, EngineConfig.DEFAULT), bits(store, config), slots + " slots");
        }
    }

    /// Memory gets short between steps, again and again, until only the least is left.
    @ParameterizedTest
    @ValueSource(strings = {"lru", "gate"})
    void slotsThatAreGivenBackLeaveTheBitsAsTheyWere(String policy) {
        Path store = store("tiny-mixtral");
        int[] expected = bits(store, EngineConfig.DEFAULT.withThreads(1));
        try (Engine engine = UnguardedEngine.open(
                        store, EngineConfig.DEFAULT.withThreads(2).withPolicy(policy, Optional.empty()));
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            int[] bits = new int[PROMPT.length * vocab];
            long share = engine.expertTiers().residentSummary().slots().bytes() / (PROMPT.length / 2);
            for (int position = 0; position < PROMPT.length; position++) {
                session.decode(PROMPT[position]);
                copyBits(session.logits(), bits, position * vocab);
                engine.expertTiers().giveBack(share, false);
            }
            assertArrayEquals(Arrays.copyOf(expected, bits.length), bits);
            ResidentSummary left = engine.expertTiers().residentSummary();
            assertTrue(left.numGivenBack() > 0);
            assertEquals(engine.minimumRamBytes(), left.slots().bytes());
            assertFalse(engine.expertTiers().giveBack(1, false), "the least stays");
        }
    }

    /// Memory gets short and is so no more, in any order, in the middle of passes too, from another thread as the guard
    /// does it.
    @Test
    void slotsThatComeAndGoLeaveTheBitsAsTheyWere() {
        Path store = store("tiny-mixtral");
        int[] expected = bits(store, EngineConfig.DEFAULT.withThreads(1));
        Seeds.each(12, (_, random) -> {
            String policy = random.nextBoolean() ? "gate" : "lru";
            EngineConfig config = EngineConfig.DEFAULT
                    .withThreads(1 + random.nextInt(2))
                    .withPolicy(policy, Optional.empty())
                    .withPrefetch(random.nextBoolean() ? PrefetchChoice.ON : PrefetchChoice.AUTO);
            try (Engine engine = UnguardedEngine.open(store, config)) {
                ExpertTiers tiers = engine.expertTiers();
                int numSlots = tiers.residentSummary().slots().number();
                long most = tiers.residentSummary().slots().bytes();
                engine.listen(new ActivityListener() {
                    @Override
                    public void onLayer(int layer) {
                        if (random.nextInt(3) == 0) {
                            tiers.ask(random.nextLong(-most / 4, most / 2), random.nextInt(4) == 0);
                        }
                    }
                });
                assertArrayEquals(expected, bits(engine));
                ResidentSummary after = tiers.residentSummary();
                assertTrue(after.slots().bytes() >= engine.minimumRamBytes(), after::toString);
                assertEquals(numSlots, after.slots().number() + after.numGivenBack());
                assertTrue(tiers.moves().givenBack().slots() > 0);
                tiers.ask(Long.MIN_VALUE / 2, false);
                tiers.settle();
                assertEquals(numSlots, tiers.residentSummary().slots().number(), "all come back");
                assertEquals(0, tiers.moves().numAway());
                assertArrayEquals(expected, bits(engine));
            }
        });
    }

    /// Where addresses are short, slots go in pieces, and what went as pages before goes with them.
    @Test
    void piecesAndSlotsMix() {
        Path store = store("tiny-mixtral");
        int[] expected = bits(store, EngineConfig.DEFAULT.withThreads(1));
        try (Engine engine = UnguardedEngine.open(store, EngineConfig.DEFAULT)) {
            ExpertTiers tiers = engine.expertTiers();
            int numSlots = tiers.residentSummary().slots().number();
            assertArrayEquals(expected, bits(engine));
            tiers.giveBack(5 * tiers.residentSummary().slotBytes(), false);
            assertEquals(numSlots - 5, tiers.residentSummary().slots().number());
            assertTrue(tiers.giveBack(Long.MAX_VALUE, true));
            assertEquals(
                    engine.minimumRamBytes(), tiers.residentSummary().slots().bytes());
            assertArrayEquals(expected, bits(engine));
            assertFalse(tiers.giveBack(1, true), "the least stays");
            tiers.takeAgain(3 * tiers.residentSummary().slotBytes());
            assertArrayEquals(expected, bits(engine));
            tiers.takeAgain(Long.MAX_VALUE);
            assertEquals(numSlots, tiers.residentSummary().slots().number());
            assertArrayEquals(expected, bits(engine));
        }
    }

    @Test
    void belowTheSmallestBudgetTheNeededOneIsNamed() {
        Path store = store("tiny-mixtral");
        long minimum = minimumBytes(store);
        String message = String.valueOf(assertThrows(
                        IllegalArgumentException.class,
                        () -> Engine.open(store, EngineConfig.DEFAULT.withRamBytes(minimum - 1)))
                .getMessage());
        assertTrue(message.contains(String.format(Locale.ROOT, "%,d bytes", minimum)), message);
    }

    @Test
    void aLongPromptLoadsEachExpertAtMostOncePerLayerAndBatch() {
        Path store = store("tiny-mixtral");
        int[] prompt = IntStream.range(0, 900).map(i -> (i * 131 + 7) % 4000).toArray();
        EngineConfig config =
                EngineConfig.DEFAULT.withRamBytes(minimumBytes(store)).withPrefetch(PrefetchChoice.OFF);
        try (Engine engine = Engine.open(store, config);
                Session session = engine.newSession()) {
            session.prefill(prompt);
            RunStats stats = engine.stats();
            int batches = 2;
            assertTrue(stats.expertMisses() <= (long) batches * numExperts(engine), stats::toString);
            assertEquals(
                    stats.expertMisses() * engine.store().layouts().getFirst().slotBytes(), stats.diskBytes());
        }
    }

    @Test
    void sessionsOfOneEngineDoNotDisturbEachOther() throws InterruptedException {
        Path store = store("tiny-mixtral");
        int[] expected = bits(store, EngineConfig.DEFAULT);
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT.withRamBytes(minimumBytes(store) * 3))) {
            int[][] found = new int[3][];
            Thread[] threads = new Thread[found.length];
            for (int i = 0; i < threads.length; i++) {
                int at = i;
                threads[i] = Thread.ofPlatform().start(() -> found[at] = bits(engine));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            for (int[] bits : found) {
                assertArrayEquals(expected, bits);
            }
        }
    }

    private static Path store(String name) {
        return ImportedStores.of(name.equals("tiny-mixtral") ? TestData.tinyMixtral() : TestData.golden(name));
    }

    private static long minimumBytes(Path store) {
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT)) {
            return engine.minimumRamBytes();
        }
    }

    private static int numExperts(Engine engine) {
        return engine.expertTiers().residentSummary().numExperts();
    }

    private Path record(Path store) {
        Path file = directory.resolve("census.jsonl.gz");
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession();
                TraceRecorder recorder =
                        new TraceRecorder(file, SessionTrace.header("test", engine.spec(), "a prompt"))) {
            session.listen(new SessionTrace(recorder, engine.spec()));
            session.prefill(PROMPT);
            recorder.finish();
        }
        return file;
    }

    private static int[] bits(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config)) {
            return bits(engine);
        }
    }

    /// Returns the bits of the logits after every token of the prompt and of a greedy continuation.
    private static int[] bits(Engine engine) {
        int vocab = engine.spec().vocabSize();
        int[] bits = new int[(PROMPT.length + DECODED) * vocab];
        try (Session session = engine.newSession()) {
            session.prefill(PROMPT, (position, logits) -> copyBits(logits, bits, position * vocab));
            Sampler sampler = new Sampler(SamplingParams.GREEDY, vocab, engine.contextLength());
            for (int i = 0; i < DECODED; i++) {
                session.decode(sampler.sample(session.logits()));
                copyBits(session.logits(), bits, (PROMPT.length + i) * vocab);
            }
        }
        return bits;
    }

    private static void copyBits(float[] logits, int[] bits, int at) {
        for (int i = 0; i < logits.length; i++) {
            bits[at + i] = Float.floatToRawIntBits(logits[i]);
        }
    }
}
