package io.moetier.lab.sweep;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.membership.Tasks;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// What a member computes for a sweep. It gets each trace once, from the first thread that needs it there, while the
/// others wait.
final class MemberWork implements Hand.Work {
    private static final int MOST_REPETITIONS = 3;
    private static final long GREETING_SECONDS = 2;

    private final Member member;
    private final Tasks tasks;
    private final String version;
    private final TraceSource traces;
    private final Map<TraceId, Delivery> deliveries = new ConcurrentHashMap<>();

    /// Whether a trace is at the member, as far as is known.
    private static final class Delivery {
        boolean isThere;
    }

    MemberWork(Member member, Tasks tasks, String version, TraceSource traces) {
        this.member = member;
        this.tasks = tasks;
        this.version = version;
        this.traces = traces;
    }

    /// Asks for nothing much, and returns what speaks against asking for more, if anything does.
    Optional<String> greet(TraceId trace) {
        byte[] request = new SweepRequest.Part(trace, 0, new byte[0]).message(version);
        try {
            byte[] answer = tasks.submit(member, SweepNode.KEEPING, request)
                    .orTimeout(GREETING_SECONDS, TimeUnit.SECONDS)
                    .join();
            long _ = SweepReply.readKept(answer, request, trace.bytes());
            return Optional.empty();
        } catch (CompletionException e) {
            return Optional.of(e.getCause() instanceof TimeoutException ? "it does not answer" : reason(e.getCause()));
        } catch (TaskException | MemberLeftException e) {
            return Optional.of(reason(e));
        }
    }

    private static String reason(@Nullable Throwable cause) {
        return String.valueOf(cause == null ? null : cause.getMessage());
    }

    /// @throws UnusableMemberException if the member cannot keep a trace
    @Override
    public SweepReply.Computed compute(Errand errand, SweepTask task) {
        byte[] request = new SweepRequest.Compute(task).message(version);
        for (int i = 0; i < MOST_REPETITIONS; i++) {
            task.traces().forEach(trace -> deliver(errand, trace));
            byte[] answer = errand.ask(tasks, member, SweepNode.COMPUTING, request);
            if (SweepReply.read(answer, request, task) instanceof SweepReply.Computed computed) {
                return computed;
            }
            task.traces().forEach(this::doubt);
        }
        throw new UnusableMemberException("it keeps losing traces");
    }

    private void doubt(TraceId trace) {
        Delivery delivery = delivery(trace);
        synchronized (delivery) {
            delivery.isThere = false;
        }
    }

    private Delivery delivery(TraceId trace) {
        return deliveries.computeIfAbsent(trace, _ -> new Delivery());
    }

    private void deliver(Errand errand, TraceId trace) {
        Delivery delivery = delivery(trace);
        synchronized (delivery) {
            if (!delivery.isThere) {
                try {
                    send(errand, trace);
                } catch (TaskException e) {
                    throw new UnusableMemberException(reason(e));
                }
                delivery.isThere = true;
            }
        }
    }

    /// Sends what is not there: some of it may be, from another sweep.
    private void send(Errand errand, TraceId trace) {
        long kept = ask(errand, trace, 0, new byte[0]);
        int setbacks = 0;
        while (kept < trace.bytes()) {
            long now = ask(errand, trace, kept, part(trace, kept));
            if (now <= kept && ++setbacks > MOST_REPETITIONS) {
                throw new UnusableMemberException("it keeps losing traces");
            }
            kept = now;
        }
    }

    private long ask(Errand errand, TraceId trace, long offset, byte[] part) {
        byte[] request = new SweepRequest.Part(trace, offset, part).message(version);
        byte[] answer = errand.ask(tasks, member, SweepNode.KEEPING, request);
        return SweepReply.readKept(answer, request, trace.bytes());
    }

    private byte[] part(TraceId trace, long offset) {
        Path file = traces.file(trace);
        byte[] part = new byte[(int) Math.min(SweepRequest.MOST_PART, trace.bytes() - offset)];
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            in.seek(offset);
            in.readFully(part);
            return part;
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }
}
