package io.moetier.lab.sweep;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer;
import io.moetier.lab.simulate.Tuning;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// A sweep that this machine and the nodes of a cluster compute together: the same rows as here alone, to the last
/// digit.
///
/// What nodes answer are counts, and what is computed from them is computed here, in the order of one machine.
/// Nodes may come, leave, fail and hang at any time; where none is left, this machine does the rest:
/// [SweepBoard] tells how.
public final class SpreadSweep {
    private static final int MOST_THREADS = 1 << 10; // of a member
    private static final int MOST_GREETINGS = 50;
    private static final long PAUSE_MILLIS = 200;

    private final Membership membership;
    private final Member self;
    private final SweepCut cut;
    private final SweepBoard board;
    private final List<SweptTrace> traces;
    private final Hand here;
    private final Map<String, Hand> members = new LinkedHashMap<>(); // by id

    /// @param work what this machine does, of what it would do
    SpreadSweep(Membership membership, int threads, List<SweptTrace> traces, UnaryOperator<Hand.Work> work) {
        this.membership = membership;
        this.traces = traces;
        self = membership.self();
        int all = threads
                + membership.members().stream()
                        .filter(this::mayCompute)
                        .mapToInt(SpreadSweep::threads)
                        .sum();
        cut = new SweepCut(traces, all);
        board = new SweepBoard(cut.pieces());
        SweepSimulator simulator = new SweepSimulator();
        here = new Hand(self.name(), true, threads, work.apply((_, task) -> simulator.compute(task, cut::file)));
    }

    /// Computes a sweep.
    ///
    /// @param threads of this machine that take part
    /// @param taker is given what came out for each trace with its index, in order, as soon as it is complete, and
    ///     those before it are
    /// @throws io.moetier.storage.model.MalformedModelException if a trace is damaged, when it is its turn
    /// @throws InterruptedException if this thread is interrupted; nothing more is begun then
    public static SweepSummary run(
            Membership membership, int threads, List<SweptTrace> traces, BiConsumer<Integer, Tuning> taker)
            throws InterruptedException {
        return new SpreadSweep(membership, threads, traces, UnaryOperator.identity()).run(taker);
    }

    SweepSummary run(BiConsumer<Integer, Tuning> taker) throws InterruptedException {
        long begun = System.nanoTime();
        try {
            begin();
            await(taker);
        } finally {
            board.end();
        }
        return summary(System.nanoTime() - begun);
    }

    private void begin() {
        for (int i = 0; i < here.threads; i++) {
            Thread.ofPlatform().name("sweep-" + i).daemon().start(() -> board.workFor(here));
        }
        membership.listen(new MembershipListener() {
            @Override
            public void onJoined(Member member) {
                take(member);
            }

            @Override
            public void onLeft(Member member) {
                lose(member);
            }
        });
        membership.members().forEach(this::take);
    }

    private boolean mayCompute(Member member) {
        return isCandidate(member)
                && member.offer().version().equals(self.offer().version());
    }

    private boolean isCandidate(Member member) {
        Offer.Role role = member.offer().role();
        return !member.id().equals(self.id()) && role != Offer.Role.DRIVER && role != Offer.Role.OBSERVER;
    }

    private static int threads(Member member) {
        return Math.clamp(member.offer().threads(), 1, MOST_THREADS);
    }

    private synchronized void take(Member member) {
        if (members.containsKey(member.id()) || !isCandidate(member)) {
            return;
        }
        String version = self.offer().version();
        MemberWork work = new MemberWork(member, membership.tasks(), version, cut::file);
        Hand hand = new Hand(member.name(), false, threads(member), work);
        members.put(member.id(), hand);
        if (!mayCompute(member)) {
            board.note(member.name() + " takes no part: it " + other(member.offer(), version));
            return;
        }
        Thread.ofVirtual().name("sweep-" + member.name()).start(() -> greet(hand, work));
    }

    private static String other(Offer offer, String version) {
        return offer.role() == Offer.Role.UNKNOWN
                ? offer.version()
                : "is of version " + offer.version() + ", and this is " + version;
    }

    /// Has a member begin when it answers: who has just come may not yet do what sweeps ask for.
    private void greet(Hand hand, MemberWork work) {
        Optional<String> objection = greet(work, hand);
        for (int i = 1; objection.isPresent() && i < MOST_GREETINGS && board.goesOnAfter(PAUSE_MILLIS, hand); i++) {
            objection = greet(work, hand);
        }
        if (objection.isPresent()) {
            return; // is told when the sweep is
        }
        for (int i = 0; i < hand.width(); i++) {
            Thread.ofVirtual().name(hand.name + "-" + i).start(() -> board.workFor(hand));
        }
    }

    private Optional<String> greet(MemberWork work, Hand hand) {
        Optional<String> objection = work.greet(cut.firstTrace());
        board.objected(hand, objection);
        return objection;
    }

    private void lose(Member member) {
        Hand hand = hand(member);
        if (hand != null) {
            board.objected(hand, Optional.empty());
            board.leave(hand);
        }
    }

    private synchronized @Nullable Hand hand(Member member) {
        return members.get(member.id());
    }

    private void await(BiConsumer<Integer, Tuning> taker) throws InterruptedException {
        for (int i = 0; i < traces.size(); i++) {
            SweptTrace swept = traces.get(i);
            taker.accept(i, Tuning.of(board.await(i), swept.question(), swept.lru()));
        }
    }

    private synchronized SweepSummary summary(long nanos) {
        List<SweepSummary.Share> shares = new ArrayList<>();
        shares.add(board.share(here));
        members.values().forEach(hand -> shares.add(board.share(hand)));
        List<String> notes = new ArrayList<>(board.notes());
        members.values()
                .forEach(hand -> board.objection(hand)
                        .ifPresent(objection -> notes.add(hand.name + " took no part: " + objection)));
        return new SweepSummary(shares, notes, nanos);
    }
}
