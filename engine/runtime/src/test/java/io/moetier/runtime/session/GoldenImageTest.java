package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
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
            session.look(golden.inputIds(), List.of(image(golden.directory())));
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
            session.look(golden.inputIds(), List.of(image(golden.directory())));
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
                EngineConfig.DEFAULT.withThreads(2).withKernels(kernels).withKv(KvType.F32));
    }

    static ImagePatches image(Path directory) {
        try (SafetensorsFile inputs = SafetensorsFile.open(directory.resolve("inputs.safetensors"))) {
            return new ImagePatches(inputs.readFloats("pixel_values"), 1, 8, 12); // image_grid_thw of all cases
        }
    }
}
