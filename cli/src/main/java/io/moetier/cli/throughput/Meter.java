package io.moetier.cli.throughput;

import io.moetier.cli.bench.Prose;
import io.moetier.cli.report.ModelClock;
import io.moetier.cli.report.PhaseTimes;
import io.moetier.cli.report.StepProfile;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.ModelWork;
import io.moetier.lab.throughput.ModelWork.Pass;
import io.moetier.lab.throughput.Parts;
import io.moetier.lab.throughput.Work;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.Generator;
import io.moetier.runtime.session.MemoryUse;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.session.SessionTrace;
import io.moetier.storage.model.Phase;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;

/// Measures points of a sweep on one loaded model, one round after another.
///
/// Every prompt is the beginning of one text, so that what one has computed is the depth behind which another
/// generates. What is generated is chosen by chance, of which each round has a seed of its own: the same on every
/// budget and number of threads, for logits are the same there.
final class Meter implements AutoCloseable {
    private final LoadedModel model;
    private final ModelWork work;
    private final Session session;
    private final DeviceMarks marks;
    private final ModelClock clock;
    private final int[] prose;
    private int known; // tokens of the text that the session holds, from its beginning

    /// @param length tokens that the longest point takes
    Meter(LoadedModel model, ModelWork work, int length) {
        this.model = model;
        this.work = work;
        prose = Prose.tokens(model, length);
        session = model.engine().newSession();
        clock = new ModelClock(model);
        marks = clock.newMarks();
    }

    /// Measures one round.
    ///
    /// @param seed of what is generated
    Round measure(Case of, long seed) {
        StepProfile profile = new StepProfile(marks, spec().layers().size(), Optional.empty());
        StepWatch watch = new StepWatch(profile, of.phase());
        RoutingTally tally = new RoutingTally(spec(), of.phase());
        engine().listen(watch);
        session.listen(tally);
        try {
            return of.phase() == Phase.PREFILL
                    ? prompt(of, profile, watch, tally)
                    : generate(of, profile, watch, tally, seed);
        } finally {
            session.listen(RoutingListener.NONE);
            engine().listen(ActivityListener.NONE);
        }
    }

    /// Does the same as [#measure] and records which experts are chosen, as a request.
    ///
    /// @return how many tokens were recorded
    int record(Case of, long seed, SessionTrace trace) {
        boolean prompt = of.phase() == Phase.PREFILL;
        if (prompt) {
            begin();
        } else {
            toDepth(of.depth());
        }
        session.listen(trace);
        try {
            if (prompt) {
                session.prefill(Arrays.copyOf(prose, of.tokens()));
                known = of.tokens();
            } else {
                run(of, seed, new long[of.tokens() + 1], _ -> {});
            }
        } finally {
            session.listen(RoutingListener.NONE);
            trace.nextRequest();
        }
        return prompt ? of.tokens() : of.tokens() + 1;
    }

    MemoryUse memoryUse() {
        return session.memoryUse();
    }

    Engine engine() {
        return model.engine();
    }

    private ModelSpec spec() {
        return engine().spec();
    }

    @Override
    public void close() {
        marks.close();
        session.close();
    }

    private Round prompt(Case of, StepProfile profile, StepWatch watch, RoutingTally tally) {
        begin();
        profile.count(Phase.PREFILL);
        RunStats stats = engine().stats();
        CoreQueue queue = CoreQueue.now();
        long start = nanos();
        session.prefill(Arrays.copyOf(prose, of.tokens()));
        long[] steps = {nanos() - start};
        long waited = CoreQueue.now().since(queue, steps[0]);
        known = of.tokens();
        tally.endStep();
        RunStats done = engine().stats().minus(stats);
        Parts parts = parts(profile.times(Phase.PREFILL), tally, new Pass(of.tokens(), 0), 1, done);
        return round(of, steps, parts, tally, waited, watch);
    }

    private Round generate(Case of, StepProfile profile, StepWatch watch, RoutingTally tally, long seed) {
        toDepth(of.depth());
        profile.count(Phase.DECODE);
        long[] stamps = new long[of.tokens() + 1];
        RunStats[] begin = {RunStats.NONE};
        CoreQueue[] queue = {new CoreQueue(Map.of())};
        run(of, seed, stamps, token -> {
            if (token == 0) {
                begin[0] = engine().stats();
                queue[0] = CoreQueue.now();
            } else {
                tally.endStep();
            }
        });
        long waited = CoreQueue.now().since(queue[0], stamps[of.tokens()] - stamps[0]);
        long[] steps = new long[of.tokens()];
        Arrays.setAll(steps, i -> Math.max(1, stamps[i + 1] - stamps[i]));
        RunStats done = engine().stats().minus(begin[0]);
        Pass middle = new Pass(1, of.depth() + of.tokens() / 2.0);
        PhaseTimes times = profile.times(Phase.DECODE);
        Parts parts = parts(times, tally, middle, steps.length, done);
        double all = (double) Arrays.stream(steps).sum();
        parts.add(Parts.SAMPLING, Math.max(0, all - times.totalNanos()) / 1e9 / steps.length, Work.NONE);
        return round(of, steps, parts, tally, waited, watch);
    }

    /// Generates from the next token of the text on, and notes when tokens are known; the first belongs to that one.
    ///
    /// @param onToken is told the number of each, before the time is noted
    private void run(Case of, long seed, long[] stamps, IntConsumer onToken) {
        Sampler sampler =
                new Sampler(SamplingParams.DEFAULT.withSeed(seed), spec().vocabSize(), engine().contextLength());
        int[] count = new int[1];
        new Generator(session, sampler, Set.of())
                .run(
                        new int[] {prose[of.depth()]},
                        stamps.length,
                        _ -> {
                            onToken.accept(count[0]);
                            stamps[count[0]++] = nanos();
                            return true;
                        },
                        () -> false);
    }

    /// Virtual time has no reads, and spans by the host's clock would be those of the emulator.
    private Round round(Case of, long[] steps, Parts parts, RoutingTally tally, long waited, StepWatch watch) {
        return clock.virtual().isPresent()
                ? new Round(of, steps, parts, tally, 0, Map.of(), List.of())
                : new Round(of, steps, parts, tally, waited, watch.readNanos(), watch.lastStep());
    }

    private void begin() {
        session.truncate(0);
        known = 0;
    }

    private void toDepth(int depth) {
        session.truncate(Math.min(known, depth));
        if (known < depth) {
            session.prefill(Arrays.copyOfRange(prose, known, depth));
        }
        known = depth; // what is generated follows
    }

    private long nanos() {
        return clock.virtual().map(VirtualDevice::virtualNanos).map(Math::round).orElseGet(System::nanoTime);
    }

    private Parts parts(PhaseTimes times, RoutingTally tally, Pass pass, int steps, RunStats done) {
        Parts parts = new Parts(Map.of());
        for (Section section : Section.values()) {
            for (int layer = 0; layer < (section.isOfLayer() ? times.numLayers() : 1); layer++) {
                double nanos = times.nanos(section, layer);
                Work all = work.dense(section, layer, pass);
                if (section == Section.EXPERTS) {
                    double read = (double) tally.read(layer) / steps;
                    all = all.plus(work.experts(layer, read, (double) tally.applied(layer) / steps));
                }
                if (nanos > 0) {
                    parts.add(work.kind(section, layer), nanos / 1e9 / steps, all);
                }
            }
        }
        Work moved = new Work(0, 0, (double) done.diskBytes(), (double) done.copiedBytes()).per(steps);
        parts.add(work.kind(Section.WAIT, 0), 0, moved);
        return parts;
    }
}
