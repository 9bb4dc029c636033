package io.moetier.engine.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.engine.model.family.Families;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.trace.TraceHeader;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.util.ArrayList;
import java.util.List;
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
        MoeSpec moe = (MoeSpec) first.feedForward();
        MoeSpec narrow =
                new MoeSpec(moe.router(), 1, moe.normTopkProb(), moe.experts().subList(0, 1), moe.sharedExpert());
        layers.set(0, new LayerSpec(first.attentionNorm(), first.attention(), first.feedForwardNorm(), narrow));
        return new ModelSpec(
                spec.family(),
                spec.hiddenSize(),
                spec.vocabSize(),
                spec.maxPositionEmbeddings(),
                spec.embedding(),
                layers,
                spec.finalNorm(),
                spec.head());
    }
}
