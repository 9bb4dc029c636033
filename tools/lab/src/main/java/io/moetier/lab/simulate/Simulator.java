package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/// Replays a trace through every policy with every budget in one pass over the file.
///
/// The trace is read a stretch at a time: while all simulations work through one stretch, each in a task of its own,
/// the next is read. Memory does not grow with the trace. Every simulation sees the same decisions in the same order,
/// so the outcomes do not depend on the number of threads.
///
/// @param admission how caches take in what a layer needs
/// @param tokensTogether how many tokens of a request are computed together where the trace does not say it; 1 for
///     decoding one after another
/// @param warmUpTokens the first tokens of the trace, which fill the caches and are not counted
/// @param threads how many simulations run at the same time
public record Simulator(Admission admission, int tokensTogether, long warmUpTokens, int threads) {
    /// @throws IllegalArgumentException if a number is too small
    public Simulator {
        if (tokensTogether < 1 || threads < 1 || warmUpTokens < 0) {
            throw new IllegalArgumentException("a simulator of " + tokensTogether + " tokens and " + threads
                    + " threads after " + warmUpTokens + " tokens");
        }
    }

    /// Counts all tokens.
    public Simulator(Admission admission, int tokensTogether, int threads) {
        this(admission, tokensTogether, 0, threads);
    }

    /// Reads `trace` to its end and returns the outcomes, those of a plan together, in the order given.
    ///
    /// @param division of missing experts, with [Admission#LAYER]
    /// @throws io.moetier.storage.model.MalformedModelException if the trace is damaged
    /// @throws IllegalArgumentException if a policy cannot be made
    public List<Outcome> run(
            TraceReader trace,
            SlotPlan.Sizes sizes,
            MissDivision division,
            List<Contender> contenders,
            List<SlotPlan> plans) {
        return run(List.of(), trace, sizes, division, contenders, plans);
    }

    /// Does as [#run(TraceReader, SlotPlan.Sizes, MissDivision, List, List)], but those policies that learn have learnt
    /// from `earlier` traces, one after another, each of them a run of its own.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException also if one of them is of other experts
    public List<Outcome> run(
            List<Path> earlier,
            TraceReader trace,
            SlotPlan.Sizes sizes,
            MissDivision division,
            List<Contender> contenders,
            List<SlotPlan> plans) {
        int experts = trace.header().experts();
        List<int[]> onProcessor = sizes.slotBytes().stream()
                .map(bytes -> IntStream.rangeClosed(0, experts)
                        .map(missing -> division.onProcessor(missing, bytes))
                        .toArray())
                .toList();
        List<Simulation> simulations = new ArrayList<>();
        for (SlotPlan plan : plans) {
            for (Contender contender : contenders) {
                simulations.add(new Simulation(trace.header(), sizes, contender, plan, admission, onProcessor));
            }
        }
        for (Path file : earlier) {
            learn(file, trace.header(), simulations);
        }
        DecisionReader decisions = new DecisionReader(trace, admission, tokensTogether, warmUpTokens);
        replayAll(decisions, simulations);
        return simulations.stream()
                .map(simulation -> simulation.outcome(decisions.numTokens(), decisions.numDecoded()))
                .toList();
    }

    private void learn(Path file, TraceHeader header, List<Simulation> simulations) {
        try (TraceReader trace = TraceReader.open(file)) {
            TraceHeader found = trace.header();
            if (found.experts() != header.experts() || !found.moeLayerIndices().equals(header.moeLayerIndices())) {
                throw MalformedModelException.of(
                        file,
                        "experts",
                        header.layers() + " layers of " + header.experts() + ", as the trace that is counted has",
                        found.layers() + " of " + found.experts());
            }
            List<Simulation> learning =
                    simulations.stream().filter(Simulation::learns).toList();
            replayAll(new DecisionReader(trace, admission, tokensTogether, 0), learning);
        }
        simulations.replaceAll(simulation -> simulation.learns() ? simulation.next() : simulation);
    }

    private void replayAll(DecisionReader decisions, List<Simulation> simulations) {
        if (threads == 1) {
            replay(decisions, simulations);
        } else {
            try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
                replay(decisions, simulations, pool);
            }
        }
    }

    private static void replay(DecisionReader reader, List<Simulation> simulations) {
        Decisions decisions = new Decisions();
        while (reader.next(decisions)) {
            for (Simulation simulation : simulations) {
                simulation.run(decisions);
            }
        }
    }

    private static void replay(DecisionReader reader, List<Simulation> simulations, ExecutorService pool) {
        Decisions current = new Decisions();
        Decisions following = new Decisions();
        boolean more = reader.next(current);
        while (more) {
            Decisions stretch = current;
            List<Future<?>> running = new ArrayList<>();
            for (Simulation simulation : simulations) {
                running.add(pool.submit(() -> simulation.run(stretch)));
            }
            more = reader.next(following);
            running.forEach(Simulator::await);
            current = following;
            following = stretch;
        }
    }

    private static void await(Future<?> task) {
        try {
            Object _ = Uninterrupted.get(task::get); // it works on arrays that are filled again after this
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
