package io.moetier.lab.sweep;

import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.simulate.Admission;
import io.moetier.lab.simulate.Simulator;
import io.moetier.lab.simulate.SlotPlan;
import io.moetier.runtime.trace.TraceHeader;
import io.moetier.storage.cache.Policies;
import java.util.List;
import java.util.Optional;

/// What a node is asked for in a sweep.
sealed interface SweepRequest {
    /// Bytes of a trace in one message, at most.
    int MOST_PART = 1 << 19;

    /// To keep a part of a trace.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares parts
    record Part(TraceId trace, long offset, byte[] bytes) implements SweepRequest {}

    /// To compute.
    record Compute(SweepTask task) implements SweepRequest {}

    /// Returns the message.
    ///
    /// @param version of the program
    default byte[] message(String version) {
        SweepWriter message = new SweepWriter(Format.MAGIC).text(version);
        switch (this) {
            case Part part -> {
                Format.write(message.number(Format.PART), part.trace);
                message.large(part.offset).bytes(part.bytes);
            }
            case Compute compute -> Format.write(message.number(Format.COMPUTE), compute.task);
        }
        return message.message();
    }

    /// Reads a message.
    ///
    /// @throws TaskException if it is none, or of another version
    static SweepRequest read(byte[] message, String version) {
        SweepReader reader = new SweepReader(message, Format.MAGIC);
        String asking = reader.text();
        if (!asking.equals(version)) {
            throw new TaskException("this is version " + version + " and does not compute for " + asking);
        }
        try {
            SweepRequest request = reader.number(Format.PART, Format.COMPUTE) == Format.PART
                    ? Format.part(reader)
                    : new Compute(Format.task(reader));
            reader.end();
            return request;
        } catch (IllegalArgumentException e) {
            throw new TaskException("a message of sweeps asks for what cannot be: " + e.getMessage());
        }
    }

    /// How requests are written.
    final class Format {
        private static final int MAGIC = 0x4d53_5731;
        private static final int PART = 1;
        private static final int COMPUTE = 2;
        private static final long MOST_BYTES = 1L << 50;
        private static final int DIGEST_AND_BYTES = TraceId.DIGEST_BYTES + Long.BYTES;
        private static final int MOST_POLICIES = 2 * Policies.names().size() + 1;

        private Format() {}

        static void write(SweepWriter message, TraceId trace) {
            message.exactly(trace.digestBytes()).large(trace.bytes());
        }

        private static TraceId trace(SweepReader message) {
            return TraceId.of(message.exactly(TraceId.DIGEST_BYTES), message.large(1, MOST_BYTES));
        }

        private static Part part(SweepReader message) {
            TraceId trace = trace(message);
            long offset = message.large(0, MOST_BYTES);
            byte[] bytes = message.bytes(MOST_PART);
            if (bytes.length > trace.bytes() - offset) {
                throw SweepReader.malformed();
            }
            return new Part(trace, offset, bytes);
        }

        private static void write(SweepWriter message, SweepTask task) {
            write(message, task.trace());
            message.list(task.earlier(), trace -> write(message, trace));
            message.list(task.census().stream().toList(), trace -> write(message, trace));
            message.text(task.simulator().admission().name())
                    .number(task.simulator().tokensTogether())
                    .large(task.simulator().warmUpTokens());
            message.numbers(task.sizes().sizes().classOfLayer())
                    .list(task.sizes().sizes().slotBytes(), message::large)
                    .list(task.sizes().onProcessor(), message::numbers);
            message.list(task.policies(), message::text)
                    .text(task.plan().spelling())
                    .numbers(task.plan().slots());
        }

        private static SweepTask task(SweepReader message) {
            TraceId trace = trace(message);
            List<TraceId> earlier = message.list(SweepTask.MOST_EARLIER, DIGEST_AND_BYTES, () -> trace(message));
            Optional<TraceId> census = message.list(1, DIGEST_AND_BYTES, () -> trace(message)).stream()
                    .findFirst();
            Admission admission = Admission.valueOf(message.text());
            Simulator simulator =
                    new Simulator(admission, message.number(1, Integer.MAX_VALUE), message.large(0, Long.MAX_VALUE), 1);
            SweepSizes sizes = sizes(message);
            List<String> policies = message.list(MOST_POLICIES, Integer.BYTES, message::text);
            SlotPlan plan = new SlotPlan(message.text(), message.numbers(TraceHeader.MAX_INDEX, 1, Integer.MAX_VALUE));
            return new SweepTask(trace, earlier, census, simulator, sizes, policies, plan);
        }

        private static SweepSizes sizes(SweepReader message) {
            int most = TraceHeader.MAX_INDEX;
            SlotPlan.Sizes sizes = new SlotPlan.Sizes(
                    message.numbers(most, 0, most), message.list(most, Long.BYTES, () -> message.large(1, MOST_BYTES)));
            return new SweepSizes(sizes, message.list(most, Integer.BYTES, () -> message.numbers(most + 1, 0, most)));
        }
    }
}
