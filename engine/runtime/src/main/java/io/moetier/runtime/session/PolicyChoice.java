package io.moetier.runtime.session;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;

/// The eviction policy that a configuration names, with its census if it needs one.
final class PolicyChoice {
    private PolicyChoice() {}

    static PolicyFactory of(EngineConfig config, ModelSpec spec) {
        return config.offloading()
                .census()
                .map(census -> Policies.of(
                        config.offloading().policy(), read(census, spec).censusById()))
                .orElseGet(() -> Policies.of(config.offloading().policy()));
    }

    private static RoutingTrace read(Path file, ModelSpec spec) {
        RoutingTrace trace = RoutingTrace.read(file);
        for (int layer : trace.header().moeLayerIndices()) {
            int numExperts = numExperts(spec, layer);
            if (numExperts != trace.header().experts()) {
                throw MalformedModelException.of(
                        file,
                        "layer " + layer,
                        numExperts + " experts, as the model has",
                        trace.header().experts());
            }
        }
        return trace;
    }

    private static int numExperts(ModelSpec spec, int layer) {
        return layer < spec.layers().size()
                ? spec.layers().get(layer).moe().map(MoeSpec::numExperts).orElse(0)
                : 0;
    }
}
