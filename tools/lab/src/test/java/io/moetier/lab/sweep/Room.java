package io.moetier.lab.sweep;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Ownership;
import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.membership.Tasks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Members of a cluster in one process, whose messages may go astray.
final class Room implements AutoCloseable {
    /// What becomes of an answer.
    interface Fault {
        /// Completes `result` with whatever it likes, or not at all.
        void answer(Seat seat, byte[] answer, CompletableFuture<byte[]> result);
    }

    /// Says which fault the answer to a message has.
    interface Faults {
        Fault of(Member asked, String name, byte[] argument);
    }

    static final Fault NONE = (_, answer, result) -> result.complete(answer);

    private final ExecutorService carriers = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Seat> seats = new ArrayList<>(); // all that were ever taken
    private Faults faults = (_, _, _) -> NONE;

    /// The place of one member, as which it sees the others.
    final class Seat implements Membership, Tasks {
        private final Member self;
        private final Map<String, ExecutorService> threads = new ConcurrentHashMap<>();
        private final Map<String, Work> offered = new ConcurrentHashMap<>();
        private final List<MembershipListener> listeners = new ArrayList<>();
        private final List<CompletableFuture<byte[]>> waitedFor = new ArrayList<>(); // by others
        private boolean gone;

        private Seat(Member self) {
            this.self = self;
        }

        @Override
        public Member self() {
            return self;
        }

        @Override
        public List<Member> members() {
            synchronized (Room.this) {
                return present().stream().map(Seat::self).toList();
            }
        }

        @Override
        public void listen(MembershipListener listener) {
            synchronized (Room.this) {
                listeners.add(listener);
            }
        }

        @Override
        public Ownership ownership() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tasks tasks() {
            return this;
        }

        @Override
        public void offer(String name, int number, Work work) {
            threads.put(name, Executors.newFixedThreadPool(number));
            offered.put(name, work);
        }

        @Override
        public CompletableFuture<byte[]> submit(Member member, String name, byte[] argument) {
            CompletableFuture<byte[]> result = new CompletableFuture<>();
            Optional<Seat> asked = seat(member, result);
            if (asked.isEmpty()) {
                return CompletableFuture.failedFuture(new MemberLeftException(member.name() + " has left"));
            }
            Seat seat = asked.get();
            Work work = seat.offered.get(name);
            if (work == null) {
                return CompletableFuture.failedFuture(new TaskException("it does nothing called " + name));
            }
            Fault fault = fault(member, name, argument);
            byte[] sent = argument.clone();
            Objects.requireNonNull(seat.threads.get(name)).execute(() -> {
                try {
                    fault.answer(seat, work.run(sent), result);
                } catch (Exception e) {
                    result.completeExceptionally(new TaskException("" + e.getMessage()));
                }
            });
            return result;
        }

        private Optional<Seat> seat(Member member, CompletableFuture<byte[]> result) {
            synchronized (Room.this) {
                Optional<Seat> seat = present().stream()
                        .filter(one -> one.self.equals(member))
                        .findFirst();
                seat.ifPresent(one -> one.waitedFor.add(result));
                return seat;
            }
        }

        /// Leaves, also in the middle of something.
        @Override
        public void close() {
            List<MembershipListener> told;
            List<CompletableFuture<byte[]>> lost;
            synchronized (Room.this) {
                if (gone) {
                    return;
                }
                gone = true;
                told = present().stream()
                        .flatMap(seat -> seat.listeners.stream())
                        .toList();
                lost = List.copyOf(waitedFor);
            }
            lost.forEach(result -> result.completeExceptionally(new MemberLeftException(self.name() + " has left")));
            told.forEach(listener -> listener.onLeft(self));
        }
    }

    /// Has faults happen from now on.
    synchronized void set(Faults of) {
        faults = of;
    }

    private synchronized Fault fault(Member member, String name, byte[] argument) {
        return faults.of(member, name, argument);
    }

    private List<Seat> present() {
        return seats.stream().filter(seat -> !seat.gone).toList();
    }

    Seat join(String name, Offer.Role role, int threads, String version) {
        List<MembershipListener> told;
        Seat seat;
        synchronized (this) {
            Offer offer = new Offer(role, "", 0, 0, threads, "", version);
            seat = new Seat(new Member(name + "#" + seats.size(), name, "", offer));
            told = present().stream().flatMap(one -> one.listeners.stream()).toList();
            seats.add(seat);
        }
        told.forEach(listener -> carriers.execute(() -> listener.onJoined(seat.self)));
        return seat;
    }

    @Override
    public void close() {
        carriers.close();
        List<Seat> all;
        synchronized (this) {
            all = List.copyOf(seats);
        }
        all.forEach(seat -> seat.threads.values().forEach(ExecutorService::shutdownNow));
    }
}
