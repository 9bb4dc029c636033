package io.moetier.lab.sweep;

import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.lab.simulate.Tuning;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.cache.Policies;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// A sweep in pieces that are computed independently.
///
/// A piece is some policies with one budget on one trace, in one pass over it. Passes are not free, reading a
/// trace takes a sixth of what an average policy takes; so there are more policies in a piece where there are
/// more of them than threads could want.
final class SweepCut {
    /// So that the last ones, of whatever length, end nearly together.
    private static final int PIECES_PER_THREAD = 4;

    private final Map<Path, TraceId> ids = new HashMap<>();
    private final Map<TraceId, Path> files = new HashMap<>();
    private final List<SweepPiece> pieces = new ArrayList<>();

    /// Cuts a sweep.
    ///
    /// @param threads that will compute it
    /// @throws io.moetier.storage.model.MalformedModelException if a trace cannot be read
    SweepCut(List<SweptTrace> traces, int threads) {
        long simulations = traces.stream().mapToLong(SweepCut::simulations).sum();
        int policies = Math.toIntExact(Math.ceilDiv(simulations, (long) PIECES_PER_THREAD * threads));
        for (int i = 0; i < traces.size(); i++) {
            cut(i, traces.get(i), policies);
        }
        pieces.sort(Comparator.comparingDouble(SweepPiece::work).reversed());
    }

    /// Returns the pieces, the longest first.
    List<SweepPiece> pieces() {
        return pieces;
    }

    /// Returns a trace that is needed.
    TraceId firstTrace() {
        return pieces.getFirst().task().trace();
    }

    /// Returns the file of a trace on this machine.
    Path file(TraceId trace) {
        return Objects.requireNonNull(files.get(trace));
    }

    private static long simulations(SweptTrace swept) {
        return (long) swept.question().plans().size()
                * Tuning.contenders(swept.question(), swept.lru()).size();
    }

    private void cut(int index, SweptTrace swept, int policies) {
        Tuning.Question question = swept.question();
        TraceHeader header = header(swept.trace());
        SweepSizes sizes = SweepSizes.of(question.sizes().experts(), header.experts(), question.division());
        List<TraceId> earlier = question.earlier().stream().map(this::id).toList();
        Simulator given = swept.simulator();
        Simulator simulator = new Simulator(given.admission(), given.tokensTogether(), given.warmUpTokens(), 1);
        List<String> names = Tuning.contenders(question, swept.lru()).stream()
                .map(Contender::name)
                .toList();
        int at = 0;
        for (SlotPlan plan : question.plans()) {
            for (int from = 0; from < names.size(); from += policies) {
                List<String> some = names.subList(from, Math.min(names.size(), from + policies));
                Optional<TraceId> census = swept.census()
                        .filter(_ -> some.stream().anyMatch(SweepCut::needsCensus))
                        .map(this::id);
                SweepTask task = new SweepTask(id(swept.trace()), earlier, census, simulator, sizes, some, plan);
                double work = (double) header.tokens() * header.layers() * header.topK() * some.size();
                pieces.add(new SweepPiece(index, at, task, work));
                at += some.size();
            }
        }
    }

    private static boolean needsCensus(String policy) {
        return !policy.equals(Contender.CLAIRVOYANT) && Policies.needsCensus(policy);
    }

    private TraceId id(Path file) {
        TraceId id = ids.computeIfAbsent(file, TraceId::of);
        files.putIfAbsent(id, file);
        return id;
    }

    private static TraceHeader header(Path trace) {
        try (TraceReader reader = TraceReader.open(trace)) {
            return reader.header();
        }
    }
}
