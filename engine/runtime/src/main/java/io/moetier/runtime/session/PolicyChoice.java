package io.moetier.runtime.session;

import static io.moetier.runtime.option.InvalidOptionException.require;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.trace.TraceCensus;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.Optional;

/// Which eviction policy the caches of a model have.
public sealed interface PolicyChoice {
    /// The least recently used expert leaves.
    PolicyChoice LRU = new Named("lru", Optional.empty());

    /// As is best for the memory that there is.
    PolicyChoice AUTO = new Auto();

    /// Returns what makes the policies of a model's caches.
    ///
    /// @throws MalformedModelException if a census is not one of the model
    PolicyFactory factory(ModelSpec spec);

    /// As [Policies#byRoom()] has it.
    record Auto() implements PolicyChoice {
        @Override
        public PolicyFactory factory(ModelSpec spec) {
            return Policies.byRoom();
        }
    }

    /// A policy of ours.
    ///
    /// @param name one of [Policies#names()], alone or behind [Policies#LAYER_PREFIX]
    /// @param census routing trace whose counts rank the experts; needed by the policy `static`, alone or
    /// with quotas, and by no other
    record Named(String name, Optional<Path> census) implements PolicyChoice {
        /// @throws io.moetier.runtime.option.InvalidOptionException if there is none such, or the census does not go
        /// with it
        public Named {
            require(Policies.isKnown(name), "policy", "one of " + Policies.describe(), name);
            require(
                    Policies.needsCensus(name) == census.isPresent(),
                    "census",
                    "a routing trace for the policy static, and none for others",
                    census.map(Path::toString).orElse("none") + " for " + name);
        }

        @Override
        public PolicyFactory factory(ModelSpec spec) {
            return census.map(file -> Policies.of(name, read(file, spec).byId()))
                    .orElseGet(() -> Policies.of(name));
        }

        private static TraceCensus read(Path file, ModelSpec spec) {
            TraceCensus counted = TraceCensus.read(file);
            for (int layer : counted.header().moeLayerIndices()) {
                int numExperts = numExperts(spec, layer);
                if (numExperts != counted.header().experts()) {
                    throw MalformedModelException.of(
                            file,
                            "layer " + layer,
                            numExperts + " experts, as the model has",
                            counted.header().experts());
                }
            }
            return counted;
        }

        private static int numExperts(ModelSpec spec, int layer) {
            return layer < spec.layers().size()
                    ? spec.layers().get(layer).moe().map(MoeSpec::numExperts).orElse(0)
                    : 0;
        }
    }

    /// A policy of the caller's.
    record Own(PolicyFactory factory) implements PolicyChoice {
        @Override
        public PolicyFactory factory(ModelSpec spec) {
            return factory;
        }
    }
}
