package io.moetier.runtime.session;

import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.Tier;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/// Records what a session's routers choose, those of an encoder left out: gathers the layers of a forward pass and
/// hands its tokens on, one by one.
public final class SessionTrace implements RoutingListener {
    private final TraceRecorder recorder;
    private final List<Integer> layers;
    private final int[] numExperts; // of each of those
    private int request;
    private int step;
    private int[][][] experts = {};
    private float[][][] weights = {};
    private Tier[][][] tiers = {};

    /// @param spec the model that the session runs
    public SessionTrace(TraceRecorder recorder, ModelSpec spec) {
        this.recorder = recorder;
        layers = moeLayers(spec);
        numExperts = layers.stream()
                .mapToInt(layer -> spec.layers().get(layer).moe().orElseThrow().numExperts())
                .toArray();
    }

    /// Returns the header of a trace of a model; where layers differ, it has the numbers of the largest.
    public static TraceHeader header(String model, ModelSpec spec, String workload) {
        return TraceHeader.of(
                model, most(spec, MoeSpec::numExperts), spec.mostExpertsPerToken(), moeLayers(spec), workload);
    }

    /// Begins the next request: the session starts again at position 0.
    public void nextRequest() {
        request++;
        step = 0;
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] routingWeights, Tier[] foundIn) {
        int n = pass.n();
        int at = layers.indexOf(layer);
        if (at < 0) {
            return; // an encoder's, or that of multi-token prediction
        }
        if (at == 0) {
            experts = new int[n][layers.size()][];
            weights = new float[n][layers.size()][];
            tiers = new Tier[n][layers.size()][];
        }
        for (int t = 0; t < n; t++) {
            int[] chosen = IntStream.range(t * k, (t + 1) * k)
                    .filter(i -> ids[i] >= 0 && ids[i] < numExperts[at])
                    .toArray();
            experts[t][at] = new int[chosen.length];
            weights[t][at] = new float[chosen.length];
            tiers[t][at] = new Tier[chosen.length];
            for (int j = 0; j < chosen.length; j++) {
                experts[t][at][j] = ids[chosen[j]];
                weights[t][at][j] = routingWeights[chosen[j]];
                tiers[t][at][j] = foundIn[chosen[j]];
            }
        }
        if (at == layers.size() - 1) {
            handOn(pass);
        }
    }

    private void handOn(Pass pass) {
        for (int t = 0; t < pass.n(); t++) {
            int position = pass.firstPosition() + t;
            TraceToken token = new TraceToken(
                    request,
                    position,
                    OptionalInt.of(step),
                    pass.phase(),
                    experts[t],
                    Optional.of(weights[t]),
                    Optional.of(tiers[t]));
            recorder.record(token.of(pass.modality(position)));
        }
        step++;
    }

    private static int most(ModelSpec spec, ToIntFunction<MoeSpec> number) {
        return spec.moeLayers().stream().mapToInt(number).max().orElseThrow();
    }

    private static List<Integer> moeLayers(ModelSpec spec) {
        List<Integer> layers = new ArrayList<>();
        for (int i = spec.encoderLayers(); i < spec.numMainLayers(); i++) {
            if (spec.layers().get(i).moe().isPresent()) {
                layers.add(i);
            }
        }
        return layers;
    }
}
