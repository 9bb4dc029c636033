package io.moetier.engine.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.engine.device.Routing;
import io.moetier.engine.model.family.Families;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.RouterSpec;
import io.moetier.engine.model.spec.SublayerSpec;
import io.moetier.engine.trace.TraceHeader;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SessionTraceTest {
    @Test
    void theHeaderHasTheNumbersOfTheLargestLayer() {
        ModelSpec spec =
                Families.describe(Json.readObject(TestData.golden("mixtral").resolve("config.json")));
        TraceHeader whole = SessionTrace.header("m", spec, "");
        TraceHeader narrow = SessionTrace.header("m", withNarrowFirstLayer(spec), "");
        assertEquals(whole.experts(), narrow.experts());
        assertEquals(whole.topK(), narrow.topK());
    }

    private static ModelSpec withNarrowFirstLayer(ModelSpec spec) {
        List<LayerSpec> layers = new ArrayList<>(spec.layers());
        LayerSpec first = layers.getFirst();
        MoeSpec moe = first.moe().orElseThrow();
        MoeSpec narrow = new MoeSpec(
                new RouterSpec(moe.router().linear(), Optional.empty(), Routing.softmax(1, 1)),
                moe.experts().subList(0, 1),
                moe.sharedExpert());
        layers.set(0, LayerSpec.of(first.sublayers().getFirst(), SublayerSpec.preNorm(spec.finalNorm(), narrow)));
        return new ModelSpec(
                spec.family(),
                spec.hiddenSize(),
                spec.vocabSize(),
                spec.maxPositionEmbeddings(),
                spec.embedding(),
                spec.embeddingMultiplier(),
                layers,
                spec.finalNorm(),
                spec.head(),
                spec.logitsMultiplier());
    }
}
