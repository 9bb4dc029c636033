package io.moetier.lab.simulate;

import io.moetier.runtime.offload.WarmChoice;
import io.moetier.runtime.trace.Census;
import io.moetier.runtime.trace.TokenRow;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.ExpertCache;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/// What profiles bring to the first tokens of requests: the first half of each of several traces of a model, each a
/// kind of work, makes a profile, and each request of their second halves begins once from nothing, and once from each
/// of the profiles.
///
/// Tokens are computed one at a time, a layer at once.
public final class WarmStarts {
    /// So many tokens of each request are counted.
    public static final int FIRST_TOKENS = WarmChoice.FIRST_TOKENS;

    private final List<Kind> kinds;
    private final TraceHeader header;

    /// A trace: what its first half chose, and the first tokens of the requests after it.
    private record Kind(Path trace, Census census, List<Request> requests) {}

    /// The packed ids that each decision of the first tokens chose, and the census of these.
    private record Request(List<int[]> decisions, Census census) {}

    /// How often an expert of the first tokens was there, as a share of all that they chose.
    ///
    /// @param nothing where caches began empty
    /// @param each where they began with the profile of each trace, in the order given
    /// @param together where they began with all of these together
    /// @param nearest where each request began with the profile that is nearest to what its own first tokens chose
    public record HitRates(double nothing, List<Double> each, double together, double nearest) {
        public HitRates {
            each = List.copyOf(each);
        }
    }

    private WarmStarts(TraceHeader header, List<Kind> kinds) {
        this.header = header;
        this.kinds = kinds;
    }

    /// Reads traces.
    ///
    /// @throws MalformedModelException if one is damaged, of other experts than the first, or has no request in its
    ///     second half
    public static WarmStarts read(List<Path> traces) {
        List<Kind> kinds = new ArrayList<>();
        TraceHeader first = null;
        for (Path file : traces) {
            try (TraceReader reader = TraceReader.open(file)) {
                first = first == null ? reader.header() : first;
                requireSameExperts(file, first, reader.header());
                kinds.add(read(file, reader));
            }
        }
        if (first == null) {
            throw new IllegalArgumentException("no traces");
        }
        return new WarmStarts(first, kinds);
    }

    private static void requireSameExperts(Path file, TraceHeader first, TraceHeader found) {
        if (found.experts() != first.experts() || !found.moeLayerIndices().equals(first.moeLayerIndices())) {
            throw MalformedModelException.of(
                    file,
                    "experts",
                    first.layers() + " layers of " + first.experts() + ", as the first trace has",
                    found.layers() + " of " + found.experts());
        }
    }

    private static Kind read(Path file, TraceReader reader) {
        TraceHeader header = reader.header();
        TokenRow row = new TokenRow(header);
        Counts firstHalf = new Counts(header);
        List<Request> requests = new ArrayList<>();
        List<int[]> decisions = new ArrayList<>();
        Counts counts = new Counts(header);
        int request = -1;
        boolean measured = false;
        for (long token = 0; reader.read(row); token++) {
            if (row.request() != request) {
                addRequest(requests, decisions, counts);
                decisions = new ArrayList<>();
                counts = new Counts(header);
                request = row.request();
                measured = 2 * token >= header.tokens();
            }
            if (!measured) {
                firstHalf.add(row);
            } else if (counts.tokens < FIRST_TOKENS) {
                counts.add(row);
                addDecisions(decisions, row, header);
            }
        }
        addRequest(requests, decisions, counts);
        if (requests.isEmpty() || firstHalf.tokens == 0) {
            throw MalformedModelException.of(
                    file, "requests", "one that begins in the second half of the tokens", "none");
        }
        return new Kind(file, firstHalf.census(), requests);
    }

    private static void addRequest(List<Request> requests, List<int[]> decisions, Counts counts) {
        if (counts.tokens > 0) {
            requests.add(new Request(decisions, counts.census()));
        }
    }

    private static void addDecisions(List<int[]> decisions, TokenRow row, TraceHeader header) {
        for (int layer = 0; layer < header.layers(); layer++) {
            int from = layer * header.topK();
            int number = header.moeLayerIndices().get(layer);
            int[] ids = Arrays.stream(row.experts(), from, from + row.numChosen(layer))
                    .map(expert -> ExpertId.pack(number, expert))
                    .sorted()
                    .toArray();
            if (ids.length > 0) {
                decisions.add(ids);
            }
        }
    }

    /// What the tokens of a part of a trace chose.
    private static final class Counts {
        private final TraceHeader header;
        private final long[][] chosen; // [layers, experts]
        private long tokens;

        Counts(TraceHeader header) {
            this.header = header;
            chosen = new long[header.layers()][header.experts()];
        }

        void add(TokenRow row) {
            tokens++;
            for (int layer = 0; layer < chosen.length; layer++) {
                for (int i = 0; i < row.numChosen(layer); i++) {
                    chosen[layer][row.experts()[layer * header.topK() + i]]++;
                }
            }
        }

        Census census() {
            SortedMap<Integer, long[]> byLayer = new TreeMap<>();
            for (int layer = 0; layer < chosen.length; layer++) {
                byLayer.put(header.moeLayerIndices().get(layer), chosen[layer]);
            }
            return Census.of(tokens, byLayer);
        }
    }

    /// Returns the traces in the order given.
    public List<Path> traces() {
        return kinds.stream().map(Kind::trace).toList();
    }

    /// Returns how many requests of the trace at `index` are measured.
    public int numRequests(int index) {
        return kinds.get(index).requests.size();
    }

    /// Returns the share of the measured requests of the trace at `index` to whose first tokens its own profile is
    /// nearer than every other.
    public double shareFoundByNearest(int index) {
        List<Request> requests = kinds.get(index).requests;
        return requests.stream().filter(request -> nearest(request) == index).count() / (double) requests.size();
    }

    /// Returns the hit rates of the trace at `index` with room for `share` of all experts.
    ///
    /// @throws IllegalArgumentException if that is too few for a layer
    public HitRates hitRates(int index, double share, PolicyFactory policy) {
        List<Request> requests = kinds.get(index).requests;
        List<Census> each = kinds.stream().map(Kind::census).toList();
        Cold cold = new Cold(header, share, policy);
        double[] ofEach = each.stream()
                .mapToDouble(census -> rate(requests, request -> cold.hits(request.decisions, Optional.of(census))))
                .toArray();
        Census all = Census.sum(each);
        return new HitRates(
                rate(requests, request -> cold.hits(request.decisions, Optional.empty())),
                Arrays.stream(ofEach).boxed().toList(),
                rate(requests, request -> cold.hits(request.decisions, Optional.of(all))),
                rate(
                        requests,
                        request -> cold.hits(request.decisions, Optional.of(kinds.get(nearest(request)).census))));
    }

    private int nearest(Request request) {
        int nearest = 0;
        for (int kind = 1; kind < kinds.size(); kind++) {
            if (kinds.get(kind).census.divergenceOf(request.census)
                    < kinds.get(nearest).census.divergenceOf(request.census)) {
                nearest = kind;
            }
        }
        return nearest;
    }

    private static double rate(List<Request> requests, ToLongFunction<Request> hits) {
        long chosen = requests.stream()
                .flatMap(request -> request.decisions.stream())
                .mapToLong(ids -> ids.length)
                .sum();
        return requests.stream().mapToLong(hits).sum() / (double) chosen;
    }

    /// Caches that have seen nothing of a request yet.
    private static final class Cold {
        private final int[] members;
        private final int numSlots;
        private final PolicyFactory policy;
        private final int[] onProcessor;

        Cold(TraceHeader header, double share, PolicyFactory policy) {
            members = header.moeLayerIndices().stream()
                    .flatMapToInt(
                            layer -> IntStream.range(0, header.experts()).map(expert -> ExpertId.pack(layer, expert)))
                    .toArray();
            numSlots = (int) (share * members.length + 1e-9); // 12.5 % of 768 are 96
            this.policy = policy;
            onProcessor = new int[header.experts() + 1];
            if (numSlots < header.topK()) {
                throw new IllegalArgumentException("expected room for the top-" + header.topK()
                        + " experts of one layer, found " + numSlots + " slots");
            }
        }

        long hits(List<int[]> decisions, Optional<Census> warm) {
            ExpertCache cache = new ExpertCache(members, numSlots, policy.create(members, numSlots));
            warm.ifPresent(census -> {
                for (int id : WarmChoice.hottestLast(Arrays.stream(members), census.shareById(), numSlots)) {
                    cache.unpin(cache.reserve(id));
                }
            });
            LayerTier tier = new LayerTier(cache, onProcessor);
            float[] noWeights = new float[onProcessor.length];
            long hits = 0;
            for (int[] ids : decisions) {
                hits += tier.decide(ids, noWeights, false, ids.length);
            }
            return hits;
        }
    }
}
