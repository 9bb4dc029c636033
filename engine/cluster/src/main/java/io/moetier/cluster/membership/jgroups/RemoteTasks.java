package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.membership.Tasks;
import io.moetier.cluster.membership.jgroups.Frame.Kind;
import io.moetier.cluster.membership.jgroups.Frame.MalformedException;
import io.moetier.storage.format.UnsafeCharacters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jgroups.Address;

/// Work that is asked for by one message and answered by another.
///
/// Protocol: whoever asks keeps the result under a number until the answer comes, the member leaves or nobody wants it
/// any more, whichever is first; what comes later finds nothing under that number. Messages between two members that
/// are both there are lost neither way, so each result gets exactly one end. Whoever works keeps what it has not yet
/// begun, and forgets it when the one who asked for it has left or cancels.
final class RemoteTasks implements Tasks {
    private static final int MAX_NAME_BYTES = 200;
    private static final int MAX_MESSAGE_BYTES = 2000;
    private static final int MAX_WAITING = 1024; // of one name

    private final Post post;
    private final Function<String, Optional<Address>> addressOf; // a member's id
    private final AtomicLong lastNumber = new AtomicLong();
    private final Map<Long, Asked> asked = new ConcurrentHashMap<>();
    private final Map<String, Offered> offered = new ConcurrentHashMap<>();
    private final Map<Accepted, Runnable> accepted = new ConcurrentHashMap<>(); // not begun
    private volatile boolean closed;

    RemoteTasks(Post post, Function<String, Optional<Address>> addressOf) {
        this.post = post;
        this.addressOf = addressOf;
    }

    private record Asked(Address member, String name, CompletableFuture<byte[]> result) {}

    private record Accepted(Address asker, long number) {}

    private record Offered(Work work, ThreadPoolExecutor threads) {}

    @Override
    public void offer(String name, int threads, Work work) {
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                threads,
                threads,
                1,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MAX_WAITING),
                Thread.ofPlatform()
                        .daemon()
                        .name("moetier-task-" + name + "-", 0)
                        .factory());
        executor.allowCoreThreadTimeOut(true);
        if (closed || offered.putIfAbsent(name, new Offered(work, executor)) != null) {
            throw new IllegalStateException(name + " is offered already, or this process has left");
        }
    }

    @Override
    public CompletableFuture<byte[]> submit(Member member, String name, byte[] argument) {
        if (argument.length > MAX_BYTES) {
            throw new IllegalArgumentException("argument: more than " + MAX_BYTES + " bytes: " + argument.length);
        }
        Optional<Address> address = addressOf.apply(member.id());
        if (address.isEmpty() || closed) {
            return CompletableFuture.failedFuture(left(member.name()));
        }
        long number = lastNumber.incrementAndGet();
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        asked.put(number, new Asked(address.get(), member.name(), result));
        var _ = result.whenComplete((answer, failure) -> {
            asked.remove(number);
            if (result.isCancelled()) {
                post.sendSoon(address.get(), Frame.of(Kind.CANCEL, number));
            }
        });
        post.send(address.get(), Frame.of(Kind.TASK, number, name, argument));
        if (closed || addressOf.apply(member.id()).isEmpty()) { // it left meanwhile, and nobody looked at this one
            result.completeExceptionally(left(member.name()));
        }
        return result;
    }

    private static MemberLeftException left(String name) {
        return new MemberLeftException(name + " has left the cluster");
    }

    /// Is told which members have left; nothing that they were asked for will come.
    void onLeft(Predicate<Address> hasLeft) {
        for (Asked one : asked.values()) {
            if (hasLeft.test(one.member)) {
                one.result.completeExceptionally(left(one.name));
            }
        }
        for (Accepted one : accepted.keySet()) {
            if (hasLeft.test(one.asker)) {
                forget(one);
            }
        }
    }

    private void forget(Accepted task) {
        Runnable waiting = accepted.remove(task);
        if (waiting != null) {
            offered.values().forEach(each -> each.threads.remove(waiting));
        }
    }

    void onTask(Address asker, Frame frame) throws MalformedException {
        long number = frame.number();
        String name = frame.text(MAX_NAME_BYTES);
        byte[] argument = frame.bytes(MAX_BYTES);
        Offered offer = offered.get(name);
        if (closed) {
            return;
        }
        if (offer == null) {
            post.sendSoon(asker, failure(number, "it does not do what is called " + name));
            return;
        }
        Accepted task = new Accepted(asker, number);
        Runnable run = () -> {
            if (accepted.remove(task) != null) {
                byte[] answer = answer(number, offer.work, argument);
                if (!closed) { // else the work has been interrupted, and who asked hears that this member has left
                    post.send(asker, answer);
                }
            }
        };
        accepted.put(task, run);
        try {
            offer.threads.execute(run);
        } catch (RejectedExecutionException e) {
            accepted.remove(task);
            if (!closed) {
                post.sendSoon(asker, failure(number, "it has too much to do"));
            }
        }
    }

    private static byte[] answer(long number, Work work, byte[] argument) {
        try {
            byte[] result = work.run(argument);
            return result.length > MAX_BYTES
                    ? failure(number, "the result has more than " + MAX_BYTES + " bytes: " + result.length)
                    : Frame.of(Kind.RESULT, number, 1L, result);
        } catch (Exception | StackOverflowError | OutOfMemoryError e) {
            return failure(
                    number,
                    Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName()));
        }
    }

    private static byte[] failure(long number, String why) {
        // A character takes three bytes at most, or two of them four.
        String cut = why.length() > MAX_MESSAGE_BYTES / 3 ? why.substring(0, MAX_MESSAGE_BYTES / 3 - 1) + "…" : why;
        String shown = UnsafeCharacters.replace(cut, UnsafeCharacters::isUnsafe, letter -> " ");
        return Frame.of(Kind.RESULT, number, 0L, shown);
    }

    void onCancel(Address asker, Frame frame) throws MalformedException {
        forget(new Accepted(asker, frame.number()));
    }

    void onResult(Address sender, Frame frame) throws MalformedException {
        Asked one = asked.get(frame.number());
        if (one == null || !one.member.equals(sender)) {
            return; // it comes too late
        }
        try {
            if (frame.number() == 1) {
                one.result.complete(frame.bytes(MAX_BYTES));
            } else {
                one.result.completeExceptionally(new TaskException(frame.text(MAX_MESSAGE_BYTES)));
            }
        } catch (MalformedException e) {
            one.result.completeExceptionally(new TaskException(one.name + " " + e.getMessage()));
        }
    }

    /// Ends all work, that of others here and that of this process elsewhere.
    void close() {
        closed = true;
        List<Offered> all = new ArrayList<>(offered.values());
        all.forEach(each -> each.threads.shutdownNow());
        onLeft(everybody -> true);
    }
}
