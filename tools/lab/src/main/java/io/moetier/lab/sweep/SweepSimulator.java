package io.moetier.lab.sweep;

import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.simulate.Contender;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.Simulator;
import io.moetier.runtime.trace.TraceCensus;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/// Computes tasks of sweeps, wherever it is. Shareable between threads, each of which computes what it calls for.
final class SweepSimulator {
    private @Nullable Counted last; // successive tasks have the same census

    private record Counted(TraceId trace, IntToLongFunction census) {}

    /// @throws io.moetier.storage.model.MalformedModelException if a trace is damaged
    /// @throws TaskException if the task is not one of its trace
    SweepReply.Computed compute(SweepTask task, TraceSource traces) {
        long begun = System.nanoTime();
        IntToLongFunction census =
                task.census().map(trace -> census(trace, traces)).orElse(_ -> 0);
        List<Contender> contenders =
                task.policies().stream().map(name -> Contender.of(name, census)).toList();
        List<Path> earlier = task.earlier().stream().map(traces::file).toList();
        try (TraceReader trace = TraceReader.open(traces.file(task.trace()))) {
            requireTaskOf(trace.header(), task);
            Simulator simulator = task.simulator();
            List<Outcome> outcomes =
                    simulator.run(earlier, trace, task.sizes().sizes(), task.sizes(), contenders, List.of(task.plan()));
            return new SweepReply.Computed(outcomes, System.nanoTime() - begun);
        }
    }

    private static void requireTaskOf(TraceHeader header, SweepTask task) {
        if (header.layers() != task.sizes().layers()
                || header.experts() != task.sizes().experts()) {
            throw new TaskException("a trace of " + header.layers() + " layers of " + header.experts()
                    + " experts, but sizes of " + task.sizes().layers() + " of "
                    + task.sizes().experts());
        }
    }

    private synchronized IntToLongFunction census(TraceId trace, TraceSource traces) {
        if (last == null || !last.trace.equals(trace)) {
            last = new Counted(trace, TraceCensus.read(traces.file(trace)).byId());
        }
        return last.census;
    }
}
