package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.testdata.TestData;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The outside truth: logits, greedy tokens and routing of transformers in float32.
class GoldenTest {
    /// The reference sums in another order; its own two versions differ by up to 8e-6.
    private static final double TOLERANCE = 1e-4;

    /// Rounding keys and values to eleven bits moves a score or a value by 2^-12 of its size, and a logit by up to this
    /// much of the largest; by more where scores are larger, as they are if no root of the size divides them.
    private static final double HALF_TOLERANCE = 2e-3;

    static Stream<Arguments> cases() {
        return TestData.GOLDEN_CASES.stream()
                .flatMap(name -> KernelChoice.present().stream().map(kernels -> Arguments.of(name, kernels)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAndRoutingAreTheReferences(String name, KernelChoice kernels) {
        GoldenCase golden = GoldenCase.read(name);
        assertEquals(golden.routerIds(), assertLogits(golden, kernels));
    }

    /// Checks the logits of a case and returns what its routers chose.
    static Map<Integer, List<List<Integer>>> assertLogits(GoldenCase golden, KernelChoice kernels) {
        try (Engine engine = open(golden, kernels, KvType.F32);
                Session session = engine.newSession()) {
            Map<Integer, List<List<Integer>>> routed = routing(session);
            double worst = worstLogit(golden, session);
            assertTrue(worst <= TOLERANCE, () -> golden.directory() + ": logits differ by " + worst);
            return routed;
        }
    }

    /// Where another key is chosen for a score that was rounded, logits are others: of one case, keys are so close.
    static Stream<Arguments> casesThatMayBeRounded() {
        return cases().filter(arguments -> !arguments.get()[0].equals("deepseek_v32"));
    }

    @ParameterizedTest
    @MethodSource("casesThatMayBeRounded")
    void halfPrecisionKeysAndValuesStayClose(String name, KernelChoice kernels) {
        GoldenCase golden = GoldenCase.read(name);
        try (Engine engine = open(golden, kernels, KvType.F16);
                Session session = engine.newSession()) {
            double worst = worstLogit(golden, session);
            double tolerance = HALF_TOLERANCE * largest(golden.logits()) * scale(engine.spec());
            assertTrue(worst <= tolerance, () -> name + ": logits differ by " + worst + ", not " + tolerance);
            assertTrue(worst > 0, "nothing was rounded");
        }
    }

    /// Returns how much larger scores are than if they were divided by the root of the size of a head.
    private static double scale(ModelSpec spec) {
        return spec.blocks(AttentionSpec.class)
                .map(AttentionSpec::heads)
                .mapToDouble(heads -> heads.scale() * Math.sqrt(heads.headDim()))
                .reduce(1, Math::max);
    }

    private static Map<Integer, List<List<Integer>>> routing(Session session) {
        Map<Integer, List<List<Integer>>> routed = new HashMap<>();
        session.listen((layer, pass, k, ids, weights, tiers) ->
                routed.computeIfAbsent(layer, key -> new ArrayList<>()).addAll(rows(ids, pass.n(), k)));
        return routed;
    }

    private static double largest(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    private static double worstLogit(GoldenCase golden, Session session) {
        double[] worst = new double[1];
        session.prefill(golden.inputIds(), (position, logits) -> {
            for (int i = 0; i < logits.length; i++) {
                worst[0] = Math.max(worst[0], Math.abs(logits[i] - golden.logits()[position * logits.length + i]));
            }
        });
        return worst[0];
    }

    @ParameterizedTest
    @MethodSource("cases")
    void greedyTokensAreTheReferences(String name, KernelChoice kernels) {
        assertGreedyTokens(GoldenCase.read(name), kernels);
    }

    static void assertGreedyTokens(GoldenCase golden, KernelChoice kernels) {
        try (Engine engine = open(golden, kernels, KvType.F32);
                Session session = engine.newSession()) {
            List<Integer> tokens = new ArrayList<>();
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            new Generator(session, sampler, Set.of())
                    .run(golden.inputIds(), golden.greedyIds().length, tokens::add, () -> false);
            assertArrayEquals(
                    golden.greedyIds(),
                    tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    private static Engine open(GoldenCase golden, KernelChoice kernels, KvType kv) {
        return Engine.open(
                ImportedStores.of(golden.directory()),
                EngineConfig.DEFAULT.withThreads(2).withKernels(kernels).withKv(kv));
    }

    private static List<List<Integer>> rows(int[] ids, int n, int k) {
        return IntStream.range(0, n)
                .mapToObj(
                        t -> IntStream.range(0, k).mapToObj(j -> ids[t * k + j]).toList())
                .toList();
    }
}
