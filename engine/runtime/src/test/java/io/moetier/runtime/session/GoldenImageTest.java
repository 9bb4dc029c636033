package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.PixelValues;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The outside truth for models that see: logits, greedy tokens and routing of transformers, from the reference's
/// own pixel values.
class GoldenImageTest {
    /// As of texts alone; the towers' rows differ by up to 2e-6 of the largest.
    private static final double TOLERANCE = 1e-4;

    static Stream<Arguments> cases() {
        return TestData.GOLDEN_IMAGE_CASES.stream()
                .flatMap(name -> KernelChoice.present().stream().map(kernels -> Arguments.of(name, kernels)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAndRoutingAreTheReferences(String name, KernelChoice kernels) {
        GoldenCase golden = GoldenCase.read(name);
        try (Engine engine = open(golden, kernels);
                Session session = engine.newSession()) {
            Map<Integer, List<List<Integer>>> routed = new HashMap<>();
            session.listen((layer, pass, k, ids, weights, tiers) -> routed.computeIfAbsent(
                            layer, key -> new ArrayList<>())
                    .addAll(IntStream.range(0, pass.n())
                            .mapToObj(t -> IntStream.range(0, k)
                                    .mapToObj(j -> ids[t * k + j])
                                    .toList())
                            .toList()));
            session.look(golden.inputIds(), List.of(image(golden.directory(), engine.spec())));
            double[] worst = new double[1];
            session.prefill(golden.inputIds(), (position, logits) -> {
                for (int i = 0; i < logits.length; i++) {
                    double expected = golden.logits()[position * logits.length + i];
                    worst[0] = Math.max(worst[0], Math.abs(logits[i] - expected));
                }
            });
            assertTrue(worst[0] <= TOLERANCE, () -> name + ": logits differ by " + worst[0]);
            assertEquals(golden.routerIds(), routed);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void greedyTokensAreTheReferences(String name, KernelChoice kernels) {
        GoldenCase golden = GoldenCase.read(name);
        try (Engine engine = open(golden, kernels);
                Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            session.look(golden.inputIds(), List.of(image(golden.directory(), engine.spec())));
            new Generator(session, sampler, Set.of())
                    .run(golden.inputIds(), golden.greedyIds().length, tokens::add, () -> false);
            assertArrayEquals(
                    golden.greedyIds(),
                    tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    /// With room for one token's experts, and token by token, too.
    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void theSmallestBudgetGivesTheSameBits(String name) {
        GoldenCase golden = GoldenCase.read(name);
        EngineConfig config = EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32);
        float[] expected = logits(golden, config, golden.inputIds().length);
        EngineConfig smallest = config.withThreads(1).withRamBytes(minimumBytes(golden, config));
        assertArrayEquals(expected, logits(golden, smallest, golden.inputIds().length));
        assertArrayEquals(expected, logits(golden, smallest, 1));
    }

    private static long minimumBytes(GoldenCase golden, EngineConfig config) {
        try (Engine engine = Engine.open(ImportedStores.of(golden.directory()), config)) {
            return engine.minimumRamBytes();
        }
    }

    /// Returns the logits of all positions, the prompt being appended `step` tokens at a time; tokens of an image that
    /// see each other come together.
    private static float[] logits(GoldenCase golden, EngineConfig config, int step) {
        int[] prompt = golden.inputIds();
        try (Engine engine = Engine.open(ImportedStores.of(golden.directory()), config);
                Session session = engine.newSession()) {
            int vocabulary = engine.spec().vocabSize();
            float[] all = new float[prompt.length * vocabulary];
            session.look(prompt, List.of(image(golden.directory(), engine.spec())));
            int end;
            for (int at = 0; at < prompt.length; at = end) {
                end = Math.min(prompt.length, at + step);
                while (end < prompt.length && isInside(engine.spec(), prompt, end)) {
                    end++;
                }
                session.prefill(
                        Arrays.copyOfRange(prompt, at, end),
                        (position, logits) -> System.arraycopy(logits, 0, all, position * vocabulary, vocabulary));
            }
            return all;
        }
    }

    /// Says whether a token and the one before it are of an image that is seen whole.
    private static boolean isInside(ModelSpec spec, int[] prompt, int at) {
        int image = spec.vision().orElseThrow().token().id();
        return prompt[at - 1] == image
                && prompt[at] == image
                && spec.blocks(AttentionSpec.class)
                        .anyMatch(attention -> attention.mask().wholeImages());
    }

    /// The eighth picture would lie across two passes.
    @Test
    void aPassEndsInFrontOfAnImageThatIsSeenWhole() {
        GoldenCase golden = GoldenCase.read("gemma4_moe_image");
        int[] prompt = golden.inputIds();
        int[] text = IntStream.range(0, 8).flatMap(_ -> IntStream.of(prompt)).toArray();
        try (Engine engine = open(golden, KernelChoice.PLAIN);
                Session together = engine.newSession();
                Session apart = engine.newSession()) {
            ImagePatches image = image(golden.directory(), engine.spec());
            List<Integer> ends = new ArrayList<>();
            together.listen((layer, pass, k, ids, weights, tiers) -> {
                if (layer == 0) {
                    ends.add(pass.firstPosition() + pass.n());
                }
            });
            together.look(text, Collections.nCopies(8, image));
            together.prefill(text);
            assertEquals(List.of(7 * prompt.length + 5, text.length), ends);
            for (int i = 0; i < 8; i++) {
                apart.look(prompt, List.of(image));
                apart.prefill(prompt);
            }
            assertArrayEquals(apart.logits(), together.logits());
        }
    }

    /// Nor where the picture's last token alone is behind the pass.
    @Test
    void aPassEndsInFrontOfAnImageWhoseLastTokenIsBehindIt() {
        GoldenCase golden = GoldenCase.read("gemma4_moe_image");
        int[] prompt = golden.inputIds();
        int[] text = Arrays.copyOf(new int[] {7}, Engine.BATCH - 64 + prompt.length);
        System.arraycopy(prompt, 0, text, Engine.BATCH - 64, prompt.length);
        assertEquals(prompt[64], text[Engine.BATCH]);
        assertNotEquals(prompt[64], text[Engine.BATCH + 1]);
        try (Engine engine = open(golden, KernelChoice.PLAIN);
                Session together = engine.newSession();
                Session apart = engine.newSession()) {
            ImagePatches image = image(golden.directory(), engine.spec());
            together.look(text, List.of(image));
            together.prefill(text);
            apart.prefill(Arrays.copyOf(text, 300));
            int[] rest = Arrays.copyOfRange(text, 300, text.length);
            apart.look(rest, List.of(image));
            apart.prefill(rest);
            assertArrayEquals(apart.logits(), together.logits());
        }
    }

    @Test
    void aPartOfAnImageThatIsSeenWholeIsRefused() {
        GoldenCase golden = GoldenCase.read("gemma4_moe_image");
        int[] prompt = golden.inputIds();
        try (Engine engine = open(golden, KernelChoice.PLAIN);
                Session session = engine.newSession()) {
            session.look(prompt, List.of(image(golden.directory(), engine.spec())));
            session.prefill(Arrays.copyOf(prompt, 5)); // up to the mark that an image begins
            int[] part = Arrays.copyOfRange(prompt, 5, 20);
            String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> session.prefill(part))
                    .getMessage());
            assertEquals("the tokens of a picture see each other, but only a part of them is appended", message);
            int[] butOne = // all of the picture but its last token
                    Arrays.copyOfRange(prompt, 5, 64);
            assertThrows(IllegalArgumentException.class, () -> session.prefill(butOne));
            assertThrows(IllegalArgumentException.class, () -> session.decode(prompt[5]));
            assertEquals(5, session.position());
        }
    }

    /// Two pictures in one text are two pictures in two texts, for what stands before the second.
    @ParameterizedTest
    @FieldSource("io.moetier.testdata.TestData#GOLDEN_IMAGE_CASES")
    void picturesStandInTheOrderOfTheirTokens(String name) {
        GoldenCase golden = GoldenCase.read(name);
        int[] prompt = golden.inputIds();
        int[] twice = Arrays.copyOf(prompt, 2 * prompt.length);
        System.arraycopy(prompt, 0, twice, prompt.length, prompt.length);
        try (Engine engine = Engine.open(ImportedStores.of(golden.directory()), EngineConfig.DEFAULT);
                Session together = engine.newSession();
                Session apart = engine.newSession()) {
            ImagePatches one = image(golden.directory(), engine.spec());
            float[] darker = one.values().clone();
            for (int i = 0; i < darker.length; i++) {
                darker[i] /= 2;
            }
            ImagePatches other = new ImagePatches(darker, one.tiles(), one.rows(), one.cols());
            together.look(twice, List.of(one, other));
            together.prefill(twice);
            apart.look(prompt, List.of(one));
            apart.prefill(prompt);
            apart.look(prompt, List.of(other));
            apart.prefill(prompt);
            assertArrayEquals(apart.logits(), together.logits());
        }
    }

    private static Engine open(GoldenCase golden, KernelChoice kernels) {
        return Engine.open(
                ImportedStores.of(golden.directory()),
                EngineConfig.DEFAULT.withThreads(2).withKernels(kernels).withKv(KvType.F32));
    }

    static ImagePatches image(Path directory, ModelSpec spec) {
        return PixelValues.read(directory.resolve("inputs.safetensors"))
                .patches(spec.vision().orElseThrow());
    }
}
