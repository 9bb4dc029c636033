package io.moetier.lab.explain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.KvType;
import io.moetier.lab.explain.Part.Kind;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Rows;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What observers are shown of every golden case, against what transformers kept of the same prompt and against what
/// the blocks gave.
class MixtureObserverTest {
    /// The reference sums in another order.
    private static final float TOLERANCE = 1e-4f;

    /// Of the sizes of all summands together: they are summed in float32, here in double.
    private static final double ROUNDING = 1e-6;

    /// Of the size of the sum: its parts may be larger than it is, and cancel each other.
    private static final double SHARES = 1e-5;

    @TempDir
    static Path stores = Path.of("");

    static Stream<String> cases() {
        return Stream.concat(TestData.GOLDEN_CASES.stream(), TestData.ENCODER_DECODER_CASES.stream());
    }

    /// Those of which transformers computed more than the logits.
    static Stream<String> tracedCases() {
        return cases().filter(name -> !name.equals("glam"));
    }

    /// A mixture's rows, copied while they could be read.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Shown(Mixture mixture, float[][] logits, float[][] sums, float[][] shared) {
        Shown(Mixture mixture) {
            this(
                    mixture,
                    rows(mixture.gate().logits(), mixture.n()),
                    rows(mixture.parts().sum(), mixture.n()),
                    rows(mixture.parts().shared(), mixture.n()));
        }

        private static float[][] rows(@Nullable Rows rows, int n) {
            return rows == null
                    ? new float[0][]
                    : IntStream.range(0, n).mapToObj(rows::row).toArray(float[][]::new);
        }
    }

    @ParameterizedTest
    @MethodSource("tracedCases")
    void whatIsShownIsTheReferences(String name) {
        List<Shown> shown = new ArrayList<>();
        ModelSpec spec = run(name, onMixture(mixture -> shown.add(new Shown(mixture))));
        try (SafetensorsFile trace = SafetensorsFile.open(TestData.golden(name).resolve("trace.safetensors"))) {
            for (Shown each : shown) {
                String prefix = prefix(spec, each.mixture());
                assertRows(trace, prefix + "router_logits", each.logits());
                if (!each.mixture().ofHeads()) { // whose output the reference has not kept apart
                    assertRows(trace, prefix + "moe_output", asTheReferenceHasIt(name, each));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void choicesAndWeightsAreTheReferences(String name) {
        Explained explained = explain(name);
        int checked = 0;
        for (JsonObject layer :
                Json.readObject(TestData.golden(name).resolve("reference.json")).requireObjects("router")) {
            boolean decoder = layer.optionalString("stack").orElse("").equals("decoder");
            boolean heads = layer.optionalString("kind").orElse("").equals("attention");
            int number = layer.requireInt("layer") + (decoder ? explained.spec().encoderLayers() : 0);
            List<TokenMixture> found = explained.mixtures().stream()
                    .filter(mixture -> mixture.layer() == number && mixture.ofHeads() == heads)
                    .toList();
            assertChoices(layer, found, factorBehind(name));
            checked += found.size();
        }
        assertEquals(explained.mixtures().size(), checked);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theWeightedPartsSumUpToTheOutput(String name) {
        run(name, onMixture(mixture -> IntStream.range(0, mixture.n()).forEach(token -> assertSum(mixture, token))));
        for (TokenMixture mixture : explain(name).mixtures()) {
            double shares = mixture.parts().stream().mapToDouble(Part::share).sum();
            assertEquals(mixture.sumSize() == 0 ? 0 : 1, shares, SHARES, () -> name + " " + mixture);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void beingWatchedChangesNoBit(String name) {
        try (Engine engine = open(name);
                Session watched = engine.newSession();
                Session alone = engine.newSession()) {
            watched.observe(new Explainer(engine.spec(), (layer, position) -> true));
            pass(name, watched);
            pass(name, alone);
            assertArrayEquals(alone.logits(), watched.logits());
            watched.decode(1);
            alone.decode(1);
            assertArrayEquals(alone.logits(), watched.logits());
        }
    }

    @Test
    void onlyWhatIsWantedIsKept() {
        try (Engine engine = open("mixtral");
                Session session = engine.newSession()) {
            Explainer explainer = new Explainer(engine.spec(), (layer, position) -> layer == 1 && position == 2);
            session.observe(explainer);
            session.prefill(new int[] {5, 6, 7, 8});
            assertEquals(1, explainer.mixtures().size());
            assertTrue(explainer.embeddingSize(false, 3) > 0);
        }
    }

    /// Going back makes recurrent blocks compute tokens again, which nobody is to be shown twice.
    @Test
    void tokensThatAreComputedAgainAreShownOnce() {
        try (Engine engine = open("qwen3_next");
                Session session = engine.newSession()) {
            List<Integer> positions = new ArrayList<>();
            session.observe(onMixture(mixture -> {
                if (mixture.layer() == 0) {
                    IntStream.range(0, mixture.n())
                            .map(i -> mixture.firstPosition() + i)
                            .forEach(positions::add);
                }
            }));
            session.prefill(new int[] {5, 6, 7, 8});
            session.truncate(2);
            session.decode(9);
            assertEquals(List.of(0, 1, 2, 3, 2), positions);
        }
    }

    /// What was kept of a whole case.
    private record Explained(ModelSpec spec, List<TokenMixture> mixtures) {}

    private static Explained explain(String name) {
        try (Engine engine = open(name);
                Session session = engine.newSession()) {
            Explainer explainer = new Explainer(engine.spec(), (layer, position) -> true);
            session.observe(explainer);
            pass(name, session);
            return new Explained(engine.spec(), explainer.mixtures());
        }
    }

    private static ModelSpec run(String name, MixtureObserver observer) {
        try (Engine engine = open(name);
                Session session = engine.newSession()) {
            session.observe(observer);
            pass(name, session);
            return engine.spec();
        }
    }

    /// Reads what the reference's trace is of.
    private static void pass(String name, Session session) {
        JsonObject reference = Json.readObject(TestData.golden(name).resolve("reference.json"));
        int[] input = ints(reference, "input_ids");
        if (reference.optionalInts("decoder_input_ids").isPresent()) {
            session.encode(input);
            session.prefill(ints(reference, "decoder_input_ids"));
        } else {
            session.prefill(input);
        }
    }

    private static int[] ints(JsonObject object, String key) {
        return object.optionalInts(key).orElseThrow().stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static Engine open(String name) {
        return Engine.open(store(name), EngineConfig.DEFAULT.withThreads(2).withKv(KvType.F32));
    }

    private static Path store(String name) {
        Path store = stores.resolve(name + ".mtier");
        if (!Files.exists(store)) {
            try (ModelSource source = ModelSource.open(TestData.golden(name))) {
                new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
            }
        }
        return store;
    }

    private static void assertSum(Mixture mixture, int token) {
        Mixture.Gate gate = mixture.gate();
        Mixture.Parts parts = mixture.parts();
        float[] sum = parts.sum().row(token);
        double[] expected = new double[sum.length];
        double sizes = 0;
        for (int choice = token * gate.k(); choice < (token + 1) * gate.k(); choice++) {
            if (gate.weights()[choice] != 0) {
                double factor = parts.weighted() ? 1 : gate.weights()[choice];
                sizes += add(factor, parts.results().row(choice), expected);
            }
        }
        if (parts.bias() != null) {
            sizes += add(1, parts.bias(), expected);
        }
        if (parts.shared() != null) {
            Rows logit = parts.sharedGate();
            double factor = logit == null ? 1 : 1 / (1 + Math.exp(-logit.row(token)[0]));
            sizes += add(factor, parts.shared().row(token), expected);
        }
        for (int i = 0; i < sum.length; i++) {
            assertEquals(expected[i], sum[i], ROUNDING * sizes, "layer " + mixture.layer() + ", token " + token);
        }
    }

    private static double add(double factor, float[] row, double[] sum) {
        double square = 0;
        for (int i = 0; i < sum.length; i++) {
            sum[i] += factor * row[i];
            square += factor * row[i] * factor * row[i];
        }
        return Math.sqrt(square);
    }

    /// MiniMax-M3's reference multiplies the sum by `routed_scaling_factor`, and keeps weights without it.
    private static double factorBehind(String name) {
        return name.equals("minimax_m3") ? 2 : 1;
    }

    private static void assertChoices(JsonObject layer, List<TokenMixture> found, double factor) {
        List<List<Number>> ids = lists(layer, "expert_ids");
        List<List<Number>> weights = lists(layer, "weights");
        @Nullable List<List<Boolean>> kept = kept(layer);
        assertEquals(ids.size(), found.size());
        for (int token = 0; token < ids.size(); token++) {
            List<Part> choices = found.get(token).parts().stream()
                    .filter(part -> part.kind() != Kind.BIAS && part.kind() != Kind.SHARED)
                    .toList();
            assertEquals(ids.get(token).size(), choices.size());
            for (int j = 0; j < choices.size(); j++) {
                boolean dropped = kept != null && !kept.get(token).get(j);
                assertEquals(
                        dropped ? -1 : ids.get(token).get(j).intValue(),
                        choices.get(j).id());
                assertEquals(dropped, choices.get(j).kind() == Kind.DROPPED);
                double weight = factor * weights.get(token).get(j).doubleValue();
                assertEquals(dropped ? 0 : weight, choices.get(j).weight(), TOLERANCE);
            }
        }
    }

    @SuppressWarnings("unchecked") // the committed file has this shape
    private static List<List<Number>> lists(JsonObject layer, String key) {
        return Objects.requireNonNull((List<List<Number>>) layer.asMap().get(key));
    }

    @SuppressWarnings("unchecked") // the committed file has this shape
    private static @Nullable List<List<Boolean>> kept(JsonObject layer) {
        return (List<List<Boolean>>) layer.asMap().get("kept");
    }

    private static void assertRows(SafetensorsFile trace, String tensor, float[][] found) {
        float[] expected = trace.readFloats(tensor);
        int cols = expected.length / found.length;
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int token = 0; token < found.length; token++) {
            float[] row = Arrays.copyOfRange(expected, token * cols, (token + 1) * cols);
            assertArrayEquals(row, found[token], (float) (TOLERANCE * Math.max(1, largest)), tensor + " " + token);
        }
    }

    /// In Granite the shared expert is another block, and in NLLB the block takes a fifth away from what it gives
    /// (`moe_token_dropout`).
    private static float[][] asTheReferenceHasIt(String name, Shown shown) {
        float factor = name.startsWith("nllb") ? 0.8f : 1;
        boolean outside = name.startsWith("granite");
        float[][] rows = shown.sums().clone();
        for (int token = 0; token < rows.length; token++) {
            rows[token] = rows[token].clone();
            for (int i = 0; i < rows[token].length; i++) {
                float shared = outside && shown.shared().length > 0 ? shown.shared()[token][i] : 0;
                rows[token][i] = factor * (rows[token][i] - shared);
            }
        }
        return rows;
    }

    private static String prefix(ModelSpec spec, Mixture mixture) {
        int encoderLayers = spec.encoderLayers();
        String stack = encoderLayers == 0 ? "" : mixture.layer() < encoderLayers ? "encoder." : "decoder.";
        int layer = mixture.layer() - (mixture.layer() < encoderLayers ? 0 : encoderLayers);
        String block = !spec.family().equals("jetmoe") ? "" : mixture.ofHeads() ? "attn." : "mlp.";
        return stack + "layer." + layer + "." + block;
    }

    private static MixtureObserver onMixture(Consumer<Mixture> consumer) {
        return new MixtureObserver() {
            @Override
            public void onEmbedding(boolean encoder, int firstPosition, Rows embedding) {}

            @Override
            public void onMixture(Mixture mixture) {
                consumer.accept(mixture);
            }
        };
    }
}
