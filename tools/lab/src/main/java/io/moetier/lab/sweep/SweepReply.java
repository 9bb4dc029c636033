package io.moetier.lab.sweep;

import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.simulate.Outcome;
import io.moetier.lab.simulate.StepCounts;
import java.util.ArrayList;
import java.util.List;

/// What a node answers in a sweep: to which request is said by the request's checksum.
sealed interface SweepReply {
    /// So many bytes of the trace are there, from its beginning.
    record Kept(long bytes) implements SweepReply {}

    /// A trace is not there, or not there any more.
    record Lacking() implements SweepReply {}

    /// What was computed.
    ///
    /// @param outcomes of the task's policies in their order
    /// @param nanos that it took
    record Computed(List<Outcome> outcomes, long nanos) implements SweepReply {
        public Computed {
            outcomes = List.copyOf(outcomes);
        }
    }

    /// Returns the message.
    default byte[] message(byte[] request) {
        SweepWriter message = new SweepWriter(Format.MAGIC).number(Format.nameOf(request));
        switch (this) {
            case Kept kept -> message.number(Format.KEPT).large(kept.bytes);
            case Lacking _ -> message.number(Format.LACKING);
            case Computed computed ->
                message.number(Format.COMPUTED)
                        .large(computed.nanos)
                        .list(computed.outcomes, outcome -> Format.write(message, outcome));
        }
        return message.message();
    }

    /// Reads the answer to a request for a part of a trace: how much of it is there.
    ///
    /// @throws TaskException if it is none
    static long readKept(byte[] message, byte[] request, long most) {
        SweepReader reader = Format.reader(message, request);
        reader.number(Format.KEPT, Format.KEPT);
        long kept = reader.large(0, most);
        reader.end();
        return kept;
    }

    /// Reads the answer to a request to compute.
    ///
    /// @throws TaskException if it is none
    static SweepReply read(byte[] message, byte[] request, SweepTask task) {
        SweepReader reader = Format.reader(message, request);
        SweepReply reply = reader.number(Format.LACKING, Format.COMPUTED) == Format.LACKING
                ? new Lacking()
                : Format.computed(reader, task);
        reader.end();
        return reply;
    }

    /// How replies are written.
    final class Format {
        private static final int MAGIC = 0x4d53_5231;
        private static final int KEPT = 1;
        private static final int LACKING = 2;
        private static final int COMPUTED = 3;
        private static final long MOST_STEPS = 1L << 40; // times the most experts this is still a number
        private static final long MOST_NANOS = 1L << 50; // of which thousands still add up
        private static final int STEP_BYTES = Integer.BYTES + 3 * Long.BYTES;

        private Format() {}

        private static int nameOf(byte[] request) {
            return SweepWriter.checksum(request);
        }

        private static SweepReader reader(byte[] message, byte[] request) {
            SweepReader reader = new SweepReader(message, MAGIC);
            int name = nameOf(request);
            reader.number(name, name);
            return reader;
        }

        private static void write(SweepWriter message, Outcome outcome) {
            message.large(outcome.tokens())
                    .list(outcome.counts(), counts -> write(message, counts))
                    .large(outcome.decodeTokens())
                    .list(outcome.decodeCounts(), counts -> write(message, counts));
        }

        /// Most numbers of misses never occur.
        private static void write(SweepWriter message, StepCounts counts) {
            List<Integer> occurring = new ArrayList<>();
            for (int misses = 0; misses <= counts.maxMisses(); misses++) {
                if (counts.steps(misses) > 0) {
                    occurring.add(misses);
                }
            }
            message.list(
                    occurring,
                    misses -> message.number(misses)
                            .large(counts.steps(misses))
                            .large(counts.hits(misses))
                            .large(counts.brought(misses)));
        }

        private static Computed computed(SweepReader message, SweepTask task) {
            long nanos = message.large(0, MOST_NANOS);
            int policies =
                    message.number(task.policies().size(), task.policies().size());
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < policies; i++) {
                outcomes.add(outcome(message, task, task.policies().get(i)));
            }
            return new Computed(outcomes, nanos);
        }

        private static Outcome outcome(SweepReader message, SweepTask task, String policy) {
            long tokens = message.large(0, MOST_STEPS);
            List<StepCounts> counts = counts(message, task, tokens);
            long decodeTokens = message.large(0, tokens);
            return new Outcome(policy, task.plan(), tokens, counts, decodeTokens, counts(message, task, decodeTokens));
        }

        private static List<StepCounts> counts(SweepReader message, SweepTask task, long tokens) {
            long mostSteps = tokens * task.sizes().layers() * task.sizes().experts(); // one for each at most
            int classes = task.sizes().sizes().numClasses();
            message.number(classes, classes);
            List<StepCounts> counts = new ArrayList<>();
            for (int c = 0; c < classes; c++) {
                counts.add(counts(message, task.sizes().experts(), mostSteps));
            }
            return counts;
        }

        private static StepCounts counts(SweepReader message, int experts, long mostSteps) {
            long[] steps = new long[experts + 1];
            long[] hits = new long[experts + 1];
            long[] brought = new long[experts + 1];
            int[] least = {0};
            long[] left = {mostSteps};
            message.list(experts + 1, STEP_BYTES, () -> {
                int misses = message.number(least[0], experts);
                steps[misses] = message.large(1, Math.min(MOST_STEPS, left[0]));
                left[0] -= steps[misses];
                hits[misses] = message.large(0, steps[misses] * experts);
                brought[misses] = message.large(0, steps[misses] * experts);
                least[0] = misses + 1;
                return misses;
            });
            return StepCounts.of(steps, hits, brought);
        }
    }
}
