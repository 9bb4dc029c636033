package io.moetier.cli.tune;

import io.moetier.cli.terminal.Plural;
import io.moetier.lab.simulate.Contender;
import io.moetier.runtime.trace.TraceCensus;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/// The policies that are compared.
record TunePolicies(List<String> names, Optional<TraceCensus> census) {
    /// What all others are compared with.
    static final Contender LRU = new Contender("lru", Optional.of(Policies.of("lru")));

    private static final String ALL = "all";
    private static final String LEARNING = "gate"; // in each layer by itself, too

    /// Reads names as the command line gives them.
    ///
    /// @throws IllegalArgumentException if one is unknown, or the census fits none of them
    static TunePolicies of(List<String> given, @Nullable Path census) {
        List<String> names = new ArrayList<>();
        for (String name : given) {
            if (name.equals(ALL)) {
                Policies.names().stream()
                        .filter(each -> census != null || !Policies.needsCensus(each))
                        .forEach(names::add);
                names.add(Contender.CLAIRVOYANT);
            } else {
                names.add(requireKnown(name, census));
            }
        }
        if (census != null && names.stream().noneMatch(Policies::needsCensus)) {
            throw new IllegalArgumentException("--census is for the policy static, which is not among --policies");
        }
        return new TunePolicies(
                names.stream().distinct().toList(),
                census == null ? Optional.empty() : Optional.of(TraceCensus.read(census)));
    }

    /// Says whether none of them could be run.
    boolean onlyOptimum() {
        return names.stream().allMatch(Contender.CLAIRVOYANT::equals);
    }

    /// Says whether one of them goes on with what it has learnt before.
    boolean anyLearns() {
        return names.stream().anyMatch(name -> name.endsWith(LEARNING));
    }

    /// Returns the policies for one trace.
    List<Contender> contenders(Path trace, TraceHeader header) {
        census.ifPresent(counted -> requireSameShape(trace, header, counted.header()));
        IntToLongFunction counts = census.map(TraceCensus::byId).orElse(id -> 0);
        return names.stream().map(name -> Contender.of(name, counts)).toList();
    }

    private static String requireKnown(String name, @Nullable Path census) {
        if (name.equals(Contender.CLAIRVOYANT)) {
            return name;
        }
        if (Policies.needsCensus(name)) {
            if (census == null) {
                throw new IllegalArgumentException(
                        "--policies " + name + " needs --census FILE, a trace of other requests than those compared");
            }
            return name;
        }
        try {
            Policies.of(name);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--policies: " + e.getMessage() + ", " + Contender.CLAIRVOYANT, e);
        }
        return name;
    }

    private static void requireSameShape(Path trace, TraceHeader header, TraceHeader census) {
        if (header.experts() != census.experts() || !header.moeLayerIndices().equals(census.moeLayerIndices())) {
            throw new MalformedModelException(
                    trace + ": " + Plural.of(header.layers(), "layer") + " of " + Plural.of(header.experts(), "expert")
                            + ", but the census has " + census.layers() + " of " + census.experts());
        }
    }
}
