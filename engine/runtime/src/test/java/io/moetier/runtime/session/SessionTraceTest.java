package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.device.Routing;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RouterSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionTraceTest {
    @TempDir
    Path directory;

    @Test
    void theHeaderHasTheNumbersOfTheLargestLayer() {
        ModelSpec spec =
                Families.describe(Json.readObject(TestData.golden("mixtral").resolve("config.json")));
        TraceHeader whole = SessionTrace.header("m", spec, "");
        TraceHeader narrow = SessionTrace.header("m", withNarrowFirstLayer(spec), "");
        assertEquals(whole.experts(), narrow.experts());
        assertEquals(whole.topK(), narrow.topK());
    }

    @ParameterizedTest
    @CsvSource({"qwen2_moe_sparse_step, -1", "longcat_flash, 8"}) // none, and the first identity
    void choicesOfNoExpertAreNotRecorded(String model, int noExpert) {
        ModelSpec spec =
                Families.describe(Json.readObject(TestData.golden(model).resolve("config.json")));
        List<Integer> layers = IntStream.range(0, spec.layers().size())
                .filter(layer -> spec.layers().get(layer).moe().isPresent())
                .boxed()
                .toList();
        Path file = directory.resolve("trace.jsonl.gz");
        CensusTally census = new CensusTally(spec);
        try (TraceRecorder recorder = new TraceRecorder(file, SessionTrace.header("m", spec, ""))) {
            SessionTrace trace = new SessionTrace(recorder, spec);
            Tier[] tiers = {Tier.DISK, Tier.HOST};
            Pass pass = new Pass();
            pass.begin(1, 0, Phase.DECODE);
            for (int layer : layers) {
                int[] ids = {noExpert, 3};
                trace.onRouting(layer, pass, 2, ids, new float[] {0, 0.5f}, tiers);
                census.onRouting(layer, pass, 2, ids, new float[] {0, 0.5f}, tiers);
            }
            recorder.finish();
        }
        try (TraceReader reader = TraceReader.open(file)) {
            TraceToken token = Objects.requireNonNull(reader.next());
            assertArrayEquals(new int[] {3}, token.experts()[0]);
            assertArrayEquals(new float[] {0.5f}, token.weights().orElseThrow()[0]);
            assertArrayEquals(new Tier[] {Tier.HOST}, token.tiers().orElseThrow()[0]);
        }
        assertEquals(1, census.tokens());
    }

    @Test
    void layersMayChooseDifferentNumbersOfExperts() throws IOException {
        Path checkpoint = Files.createDirectories(directory.resolve("hunyuan-with-different-topk"));
        Path golden = TestData.golden("hunyuan_v1_moe");
        Files.copy(golden.resolve("model.safetensors"), checkpoint.resolve("model.safetensors"));
        Map<String, Object> config = new LinkedHashMap<>(
                Json.readObject(golden.resolve("config.json")).asMap());
        config.put("moe_topk", List.of(4, 2, 3));
        Files.writeString(checkpoint.resolve("config.json"), Json.write(config));
        Path file = directory.resolve("trace.jsonl.gz");
        try (Engine engine = Engine.open(ImportedStores.of(checkpoint), EngineConfig.DEFAULT);
                Session session = engine.newSession();
                TraceRecorder recorder = new TraceRecorder(file, SessionTrace.header("m", engine.spec(), ""))) {
            session.listen(new SessionTrace(recorder, engine.spec()));
            session.prefill(new int[] {1, 2, 3});
            session.decode(4);
            recorder.finish();
        }
        try (TraceReader reader = TraceReader.open(file)) {
            assertEquals(4, reader.header().topK());
            for (TraceToken token = reader.next(); token != null; token = reader.next()) {
                int[] chosen = Stream.of(token.experts())
                        .mapToInt(layer -> layer.length)
                        .toArray();
                assertArrayEquals(new int[] {4, 2, 3}, chosen);
            }
        }
    }

    private static ModelSpec withNarrowFirstLayer(ModelSpec spec) {
        List<LayerSpec> layers = new ArrayList<>(spec.layers());
        LayerSpec first = layers.getFirst();
        MoeSpec moe = first.moe().orElseThrow();
        MoeSpec narrow = new MoeSpec(
                RouterSpec.of(moe.router().linear(), Routing.softmax(1, 1)),
                moe.experts().subList(0, 1),
                moe.sharedExpert(),
                moe.bias(),
                moe.latent(),
                moe.weighsInputs());
        layers.set(0, LayerSpec.of(first.sublayers().getFirst(), SublayerSpec.preNorm(spec.finalNorm(), narrow)));
        return new ModelSpec(
                spec.family(), spec.sizes(), spec.embedding(), layers, spec.finalNorm(), spec.head(), spec.encoder());
    }
}
