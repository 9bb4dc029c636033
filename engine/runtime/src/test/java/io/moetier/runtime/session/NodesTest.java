package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.metrics.Counter;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.remote.LocalNodes;
import io.moetier.runtime.remote.LocalNodesFactory;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.Seeds;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Where an expert is computed never changes a token: for any number of nodes, whatever they have room for, and while
/// they come and go, all logits have the bits of one machine's.
class NodesTest {
    private static final int DECODED = 4;
    private static final int[] PROMPT =
            IntStream.range(0, 20).map(i -> (i * 37 + 11) % 300).toArray();
    private static final int BETWEEN_DAMAGES = 64 << 10; // less than a block
    private static final int[] NUMBERS = {1, 2, 3, 5};

    @TempDir
    Path directory;

    static Stream<String> families() {
        return Stream.concat(Stream.of("tiny-mixtral"), TestData.GOLDEN_CASES.stream());
    }

    /// Latents, inputs that are weighted, biases, identities, shared experts and dense layers are among them.
    @ParameterizedTest
    @MethodSource("families")
    void everyFamilyGivesTheSameBits(String name) {
        Path store = store(name);
        int[] expected = bits(store, EngineConfig.DEFAULT.withThreads(1));
        int number = NUMBERS[Math.floorMod(name.hashCode(), NUMBERS.length)];
        LocalNodesFactory nodes = new LocalNodesFactory(kind(number, number % 2 == 0, 0, 0));
        assertArrayEquals(expected, bits(store, least(store).withThreads(2).withNodes(nodes)), number + " nodes");
        assertTrue(nodes.nodes().numComputed > 0);
        assertEquals(0, nodes.nodes().numMissing);
    }

    @Test
    void anyNumberOfNodesGivesTheSameBitsWithEveryKindOfKernels() {
        Path store = store("tiny-mixtral");
        for (KernelChoice kernels : KernelChoice.present()) {
            EngineConfig config = EngineConfig.DEFAULT.withThreads(1).withKernels(kernels);
            int[] expected = bits(store, config);
            for (int number : NUMBERS) {
                LocalNodesFactory nodes = new LocalNodesFactory(new LocalNodes.Kind(number, false, 3, 0, kernels, 0));
                assertArrayEquals(expected, bits(store, config.withNodes(nodes)), number + " nodes, " + kernels);
            }
        }
    }

    /// Nodes vanish before, while and after they are asked, and return at any moment.
    @Test
    void nodesThatComeAndGoLeaveTheBitsAsTheyWere() {
        List<String> names = List.of("tiny-mixtral", "longcat_flash", "llama4_scout", "nemotron_h_moe_latent");
        int[] events = new int[1];
        Map<String, int[]> expected = new HashMap<>();
        Seeds.each(12, (seed, random) -> {
            String name = names.get(seed % names.size());
            Path store = store(name);
            int[] one = expected.computeIfAbsent(name, _ -> bits(store, EngineConfig.DEFAULT.withThreads(1)));
            int number = NUMBERS[random.nextInt(NUMBERS.length)];
            LocalNodesFactory nodes = new LocalNodesFactory(new LocalNodes.Kind(
                    number, random.nextBoolean(), random.nextInt(8), 0.4, KernelChoice.AUTO, random.nextLong()));
            EngineConfig config = (random.nextBoolean() ? least(store) : EngineConfig.DEFAULT)
                    .withThreads(1 + random.nextInt(2))
                    .withPrefetch(random.nextBoolean() ? PrefetchChoice.ON : PrefetchChoice.OFF)
                    .withNodes(nodes);
            try (Engine engine = Engine.open(store, config)) {
                assertArrayEquals(one, bits(engine));
                RunStats stats = engine.stats();
                assertEquals(nodes.nodes().numComputed, stats.nodeExperts());
                assertEquals(nodes.nodes().numMissing, stats.nodeMisses());
                events[0] += nodes.nodes().numEvents;
            }
        });
        assertTrue(Integer.getInteger("moetier.seed") != null || events[0] >= 200, () -> events[0] + " events");
    }

    /// They take everything, and nothing ever comes.
    @Test
    void whatAllNodesLackIsComputedHere() {
        Path store = store("tiny-mixtral");
        LocalNodesFactory nodes = new LocalNodesFactory(kind(2, true, 0, 0));
        try (Engine engine = Engine.open(store, least(store).withNodes(nodes))) {
            nodes.nodes().loseAll();
            assertArrayEquals(bits(store, EngineConfig.DEFAULT), bits(engine));
            RunStats stats = engine.stats();
            assertEquals(0, stats.nodeExperts());
            assertEquals(stats.get(Counter.EXPERTS_COMPUTED), stats.nodeMisses());
        }
    }

    /// Else it would be waited for until the next layer begins, if one ever does.
    @Test
    void whatWasSentIsReceivedWhenALayerFails() throws IOException {
        Path store = directory.resolve("damaged.mtier");
        try (ModelSource source = ModelSource.open(TestData.tinyMixtral())) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, _ -> {});
        }
        LocalNodesFactory nodes = new LocalNodesFactory(kind(1, false, 0, 0));
        try (Engine engine = Engine.open(store, least(store).withNodes(nodes));
                Session session = engine.newSession()) {
            nodes.nodes().loseAll();
            damage(store);
            RuntimeException failure = assertThrows(RuntimeException.class, () -> session.prefill(PROMPT));
            assertFalse(nodes.nodes().isUnderWay(), failure::toString);
            assertTrue(nodes.nodes().numMissing > 0, failure::toString);
        }
    }

    /// Writes over a part of every block of a store, however it is laid out.
    private static void damage(Path store) throws IOException {
        try (Stream<Path> files = Files.walk(store)) {
            for (Path path : files.filter(Files::isRegularFile).toList()) {
                try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    for (long at = file.size() / 2; at < file.size(); at += BETWEEN_DAMAGES) {
                        file.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), at);
                    }
                }
            }
        }
    }

    /// Guesses, prompts that are loaded ahead and the census leave alone what nodes take.
    @Test
    void whatNodesTakeIsNotLoadedHere() {
        Path store = store("tiny-mixtral");
        LocalNodesFactory nodes = new LocalNodesFactory(kind(3, true, 100, 0));
        EngineConfig config =
                EngineConfig.DEFAULT.withPrefetch(PrefetchChoice.ON).withNodes(nodes);
        Set<Tier> found = new HashSet<>();
        try (Engine engine = Engine.open(store, config);
                Session session = engine.newSession()) {
            session.listen((layer, pass, k, ids, weights, tiers) ->
                    found.addAll(Arrays.asList(tiers).subList(0, pass.n() * k)));
            engine.expertTiers().warm(_ -> 1);
            session.prefill(PROMPT);
            for (int i = 0; i < DECODED; i++) {
                session.decode(i);
            }
            RunStats stats = engine.stats();
            assertEquals(0, stats.diskBytes(), stats::toString);
            assertEquals(0, stats.expertHits() + stats.expertMisses());
            assertEquals(stats.get(Counter.CHOSEN_EXPERTS), stats.nodeRows());
            assertEquals(
                    nodes.nodes().numDecisions,
                    (1 + DECODED) * engine.spec().moeLayers().size());
            assertTrue(nodes.nodes().numRead > 0);
        }
        assertEquals(Set.of(Tier.NODE), found);
    }

    @Test
    void anEncoderAndItsDecoderGiveTheSameBits() {
        for (String name : TestData.ENCODER_DECODER_CASES) {
            Path store = ImportedStores.of(TestData.golden(name));
            float[] expected = encoded(store, EngineConfig.DEFAULT);
            LocalNodesFactory nodes = new LocalNodesFactory(kind(2, false, 1, 0.1));
            assertArrayEquals(expected, encoded(store, least(store).withNodes(nodes)), name);
            assertTrue(nodes.nodes().numComputed > 0);
        }
    }

    private static float[] encoded(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config);
                Session session = engine.newSession()) {
            session.encode(new int[] {5, 9, 20, 33, 7});
            session.prefill(new int[] {2, 8, 3});
            session.decode(6);
            return session.logits().clone();
        }
    }

    @Test
    void aLayerThatPredictsFurtherGivesTheSameBits() {
        Path store = directory.resolve("mtp.mtier");
        try (ModelSource source = ModelSource.openWithMtp(TestData.golden("qwen3_5_moe_mtp"))) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        LocalNodesFactory nodes = new LocalNodesFactory(kind(3, false, 1, 0.1));
        List<float[]> expected = further(store, EngineConfig.DEFAULT);
        List<float[]> found = further(store, least(store).withNodes(nodes));
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i));
        }
        assertTrue(nodes.nodes().numComputed > 0);
    }

    private static List<float[]> further(Path store, EngineConfig config) {
        List<float[]> rows = new ArrayList<>();
        try (Engine engine = Engine.open(store, config);
                Session session = engine.newSession()) {
            session.predictFurther(PROMPT, (_, logits) -> rows.add(logits.clone()));
        }
        return rows;
    }

    private static LocalNodes.Kind kind(int nodes, boolean all, int slots, double unrest) {
        return new LocalNodes.Kind(nodes, all, slots, unrest, KernelChoice.AUTO, 1);
    }

    private static Path store(String name) {
        return ImportedStores.of(name.equals("tiny-mixtral") ? TestData.tinyMixtral() : TestData.golden(name));
    }

    private static EngineConfig least(Path store) {
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT)) {
            return EngineConfig.DEFAULT.withRamBytes(engine.minimumRamBytes());
        }
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
