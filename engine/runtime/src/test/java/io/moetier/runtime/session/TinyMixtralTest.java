package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.text.TokenStream;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The trained model against an independent float32 implementation: six prompts, one per domain.
class TinyMixtralTest {
    /// The reference sums in another order.
    private static final double TOLERANCE = 1e-4;

    /// What float16 keys and values may move a logit by.
    private static final double HALF_TOLERANCE = 2e-2;

    static Stream<Arguments> cases() {
        return Json.readObject(TestData.tinyMixtral().resolve("reference.json")).requireObjects("cases").stream()
                .flatMap(reference -> KernelChoice.present().stream().map(kernels -> Arguments.of(reference, kernels)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAndRoutingAreTheReferences(JsonObject reference, KernelChoice kernels) {
        int[] inputIds = GoldenCase.ints(reference, "input_ids");
        try (Engine engine = open(Quantisation.KEEP, kernels, KvType.F32);
                Session session = engine.newSession()) {
            List<List<List<Integer>>> routed = new ArrayList<>();
            session.listen((layer, pass, k, ids, weights, tiers) -> {
                for (int t = 0; t < pass.n(); t++) {
                    if (layer == 0) {
                        routed.add(new ArrayList<>());
                    }
                    List<Integer> chosen = new ArrayList<>();
                    for (int j = 0; j < k; j++) {
                        chosen.add(ids[t * k + j]);
                    }
                    routed.get(t).add(chosen.stream().sorted().toList()); // the reference lists them ascending
                }
            });
            double worst = worstLogit(reference, inputIds, session);
            assertTrue(worst <= TOLERANCE, () -> "logits differ by " + worst);
            assertEquals(reference.asMap().get("router"), routed);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void halfPrecisionKeysAndValuesStayClose(JsonObject reference, KernelChoice kernels) {
        try (Engine engine = open(Quantisation.KEEP, kernels, KvType.F16);
                Session session = engine.newSession()) {
            double worst = worstLogit(reference, GoldenCase.ints(reference, "input_ids"), session);
            assertTrue(worst <= HALF_TOLERANCE, () -> "logits differ by " + worst);
        }
    }

    private static double worstLogit(JsonObject reference, int[] inputIds, Session session) {
        float[] expected;
        try (SafetensorsFile file = SafetensorsFile.open(TestData.tinyMixtral().resolve("logits.safetensors"))) {
            expected = file.readFloats(reference.requireString("domain"));
        }
        double[] worst = new double[1];
        session.prefill(inputIds, (position, logits) -> {
            for (int i = 0; i < logits.length; i++) {
                worst[0] = Math.max(worst[0], Math.abs(logits[i] - expected[position * logits.length + i]));
            }
        });
        return worst[0];
    }

    static Stream<Arguments> casesAndKvTypes() {
        return cases().flatMap(arguments -> {
            Object[] known = arguments.get();
            return Stream.of(KvType.values()).map(kv -> Arguments.of(known[0], known[1], kv));
        });
    }

    @ParameterizedTest
    @MethodSource("casesAndKvTypes")
    void greedyTextIsTheReferences(JsonObject reference, KernelChoice kernels, KvType kv) {
        try (Engine engine = open(Quantisation.KEEP, kernels, kv);
                Session session = engine.newSession();
                Tokenizer tokenizer = tokenizer(engine)) {
            int[] prompt = tokenizer.encode(reference.requireString("prompt"), true);
            assertArrayEquals(GoldenCase.ints(reference, "input_ids"), prompt);
            int[] greedy = GoldenCase.ints(reference, "greedy_ids");
            List<Integer> tokens = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            TextStream stream = new TextStream(TokenStream.of(tokenizer, true), List.of(), text::append);
            Sampler sampler = new Sampler(SamplingParams.GREEDY, engine.spec().vocabSize(), engine.contextLength());
            new Generator(session, sampler, Set.of())
                    .run(prompt, greedy.length, token -> tokens.add(token) && stream.test(token), () -> false);
            stream.finish();
            assertArrayEquals(
                    greedy, tokens.stream().mapToInt(Integer::intValue).toArray());
            assertEquals(
                    Objects.requireNonNull(reference.requireString("greedy_text"))
                            .strip(),
                    text.toString().strip());
        }
    }

    /// Eight bits keep the most probable token nearly always and the distribution close: a model this small has close
    /// calls, so nine of ten positions and a mean divergence of 0.01 nats are asked for.
    @ParameterizedTest
    @MethodSource("cases")
    void q8_0StaysClose(JsonObject reference, KernelChoice kernels) {
        int[] inputIds = GoldenCase.ints(reference, "input_ids");
        List<float[]> exact = logits(Quantisation.KEEP, kernels, inputIds);
        List<float[]> rounded = logits(Quantisation.Q8_0, kernels, inputIds);
        double divergence = 0;
        int agreed = 0;
        for (int t = 0; t < inputIds.length; t++) {
            divergence += divergence(exact.get(t), rounded.get(t)) / inputIds.length;
            agreed += argmax(exact.get(t)) == argmax(rounded.get(t)) ? 1 : 0;
        }
        double mean = divergence;
        assertTrue(mean <= 0.01, () -> "mean divergence " + mean);
        assertTrue(agreed >= 0.9 * inputIds.length, agreed + " of " + inputIds.length);
    }

    private static List<float[]> logits(Quantisation quantisation, KernelChoice kernels, int[] inputIds) {
        List<float[]> rows = new ArrayList<>();
        try (Engine engine = open(quantisation, kernels, KvType.F32);
                Session session = engine.newSession()) {
            session.prefill(inputIds, (position, logits) -> rows.add(logits.clone()));
        }
        return rows;
    }

    private static double divergence(float[] p, float[] q) {
        double logSumP = logSum(p);
        double logSumQ = logSum(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += Math.exp(p[i] - logSumP) * (p[i] - logSumP - (q[i] - logSumQ));
        }
        return sum;
    }

    private static double logSum(float[] logits) {
        double max = logits[argmax(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return max + Math.log(sum);
    }

    private static int argmax(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    private static Engine open(Quantisation quantisation, KernelChoice kernels, KvType kv) {
        return Engine.open(
                ImportedStores.of(TestData.tinyMixtral(), quantisation),
                EngineConfig.DEFAULT.withKernels(kernels).withKv(kv));
    }

    private static Tokenizer tokenizer(Engine engine) {
        return Tokenizer.open(
                engine.store().file("tokenizer.json").orElseThrow(),
                Optional.of(engine.store().file("tokenizer_config.json").orElseThrow()),
                Path.of("target", "native"));
    }
}
