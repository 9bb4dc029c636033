package io.moetier.engine.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.engine.device.cpu.KernelChoice;
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

    static Stream<Arguments> cases() {
        return TestData.GOLDEN_CASES.stream()
                .flatMap(name ->
                        Stream.of(KernelChoice.PLAIN, KernelChoice.VECTOR).map(kernels -> Arguments.of(name, kernels)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAndRoutingAreTheReferences(String name, KernelChoice kernels) {
        GoldenCase golden = GoldenCase.read(name);
        try (Engine engine = open(golden, kernels);
                Session session = engine.newSession()) {
            Map<Integer, List<List<Integer>>> routed = new HashMap<>();
            session.listen((layer, phase, firstPosition, n, k, ids, weights, tiers) ->
                    routed.computeIfAbsent(layer, key -> new ArrayList<>()).addAll(rows(ids, n, k)));
            int vocab = engine.spec().vocabSize();
            double[] worst = new double[1];
            session.prefill(golden.inputIds(), (position, logits) -> {
                for (int i = 0; i < vocab; i++) {
                    worst[0] = Math.max(worst[0], Math.abs(logits[i] - golden.logits()[position * vocab + i]));
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
            new Generator(session, sampler, Set.of())
                    .run(golden.inputIds(), golden.greedyIds().length, tokens::add, () -> false);
            assertArrayEquals(
                    golden.greedyIds(),
                    tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    private static Engine open(GoldenCase golden, KernelChoice kernels) {
        return Engine.open(
                ImportedStores.of(golden.directory()),
                EngineConfig.DEFAULT.withThreads(2).withKernels(kernels));
    }

    private static List<List<Integer>> rows(int[] ids, int n, int k) {
        return IntStream.range(0, n)
                .mapToObj(
                        t -> IntStream.range(0, k).mapToObj(j -> ids[t * k + j]).toList())
                .toList();
    }
}
