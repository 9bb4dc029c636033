package io.moetier.lab.sweep;

import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.lab.simulate.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Which piece of a sweep is computed by whom: the protocol between the threads of a sweep.
///
/// A piece is *open*, *out* with one errand or more, or *settled*: computed, or failed. Every hand has as many threads
/// as errands it may have at once. Each takes the next open piece, computes it, and says how that went:
///
/// * It was computed: the first who says so settles the piece, all other errands for it are cancelled, and what they
///   bring nevertheless is dropped. A piece gives the same counts wherever it is computed, so it does not matter who.
/// * It failed at a member: this one may be to blame, or the piece. It is open for this machine alone, until that
///   member has gone. A member that fails several times, and has nothing right between, is sent away.
/// * It failed here: the piece has failed. On one machine it would have failed as well.
/// * The member has left: all of its pieces are open again.
///
/// Where nothing is open for a hand and it has threads that do nothing, it takes a piece that is out: one with the
/// fewest errands, of these the one that went out first. Two members at most have the same piece, but this machine
/// takes any, so a sweep ends although all members hang.
///
/// One lock guards everything. Errands are cancelled outside of it, because whoever waits for them may be told at once.
final class SweepBoard {
    private static final int MOST_FAILURES = 3;
    private static final int MOST_ERRANDS = 2;

    private final List<Piece> pieces = new ArrayList<>();
    private final Deque<Piece> open = new ArrayDeque<>(); // the longest first
    private final Set<Piece> out = new LinkedHashSet<>();
    private final List<String> notes = new ArrayList<>();
    private boolean ended;

    private static final class Piece {
        final int index;
        final SweepPiece what;
        final Set<Errand> errands = new HashSet<>();
        final Set<Hand> failedAt = new HashSet<>();
        SweepReply.@Nullable Computed computed;

        @Nullable
        Throwable failure;

        Piece(int index, SweepPiece what) {
            this.index = index;
            this.what = what;
        }

        boolean isSettled() {
            return computed != null || failure != null;
        }

        boolean mayGoTo(Hand hand) {
            return hand.isHere || failedAt.stream().allMatch(other -> other.gone);
        }
    }

    SweepBoard(List<SweepPiece> pieces) {
        for (SweepPiece piece : pieces) {
            this.pieces.add(new Piece(this.pieces.size(), piece));
        }
        open.addAll(this.pieces);
    }

    /// Does errands of a hand until there is nothing more to do for it. Called by each of the hand's threads.
    @SuppressWarnings("CatchThrowable") // at the top of a thread
    void workFor(Hand hand) {
        for (Optional<Errand> next = take(hand); next.isPresent(); next = take(hand)) {
            Errand errand = next.get();
            try {
                computed(
                        errand,
                        hand.work.compute(
                                errand, pieces.get(errand.piece()).what.task()));
            } catch (Throwable e) {
                failed(errand, e);
            }
        }
    }

    /// Waits for something to do; nothing if there will not be anything.
    private synchronized Optional<Errand> take(Hand hand) {
        while (!ended && !hand.gone) {
            Optional<Piece> next = next(hand);
            if (next.isPresent()) {
                Piece piece = next.get();
                Errand errand = new Errand(piece.index, hand);
                open.remove(piece);
                out.add(piece);
                piece.errands.add(errand);
                hand.errands.add(errand);
                return Optional.of(errand);
            }
            try {
                wait();
            } catch (InterruptedException e) {
                return Optional.empty(); // the process ends
            }
        }
        return Optional.empty();
    }

    private Optional<Piece> next(Hand hand) {
        Optional<Piece> failedElsewhere = open.stream()
                .filter(piece -> hand.isHere && !piece.failedAt.isEmpty())
                .findFirst();
        Optional<Piece> next = failedElsewhere.or(
                () -> open.stream().filter(piece -> piece.mayGoTo(hand)).findFirst());
        if (next.isPresent() || hand.errands.size() >= hand.threads) {
            return next;
        }
        return out.stream()
                .filter(piece -> piece.mayGoTo(hand) && (hand.isHere || piece.errands.size() < MOST_ERRANDS))
                .filter(piece -> piece.errands.stream().noneMatch(errand -> errand.hand() == hand))
                .min(Comparator.comparingInt(piece -> piece.errands.size()));
    }

    private void computed(Errand errand, SweepReply.Computed computed) {
        List<Errand> superfluous;
        synchronized (this) {
            Piece piece = pieces.get(errand.piece());
            Hand hand = errand.hand();
            hand.failures = 0;
            detach(errand);
            if (piece.isSettled()) {
                return;
            }
            piece.computed = computed;
            hand.numDone++;
            hand.nanos += computed.nanos();
            superfluous = settle(piece);
        }
        superfluous.forEach(Errand::cancel);
    }

    private void failed(Errand errand, Throwable cause) {
        Hand hand = errand.hand();
        if (cause instanceof MemberLeftException) {
            leave(hand);
        } else if (cause instanceof UnusableMemberException) {
            sendAway(hand, reason(cause));
        }
        List<Errand> superfluous = List.of();
        boolean tooOften = false;
        synchronized (this) {
            Piece piece = pieces.get(errand.piece());
            boolean counts = !errand.isCancelled() && !hand.gone && !piece.isSettled();
            if (counts && hand.isHere) {
                piece.failure = cause;
                superfluous = settle(piece);
            } else if (counts) {
                piece.failedAt.add(hand);
                tooOften = ++hand.failures >= MOST_FAILURES;
            }
            detach(errand);
        }
        superfluous.forEach(Errand::cancel);
        if (tooOften) {
            sendAway(hand, reason(cause));
        }
    }

    private List<Errand> settle(Piece piece) {
        out.remove(piece);
        open.remove(piece);
        notifyAll();
        return List.copyOf(piece.errands);
    }

    /// Forgets an errand, whose piece is open again if nobody else has it.
    private void detach(Errand errand) {
        Piece piece = pieces.get(errand.piece());
        errand.hand().errands.remove(errand);
        boolean last = piece.errands.remove(errand) && piece.errands.isEmpty();
        if (last && !piece.isSettled()) {
            out.remove(piece);
            open.addFirst(piece);
        }
        notifyAll();
    }

    /// Takes everything from a hand that has left.
    void leave(Hand hand) {
        List<Errand> lost;
        synchronized (this) {
            hand.gone = true;
            lost = List.copyOf(hand.errands);
            lost.forEach(this::detach);
            notifyAll();
        }
        lost.forEach(Errand::cancel);
    }

    private static String reason(Throwable cause) {
        return Objects.requireNonNullElse(cause.getMessage(), cause.toString());
    }

    /// Does without a hand from now on, and says so.
    void sendAway(Hand hand, String reason) {
        synchronized (this) {
            if (hand.gone || ended) {
                return;
            }
            notes.add(hand.name + " takes no part any more: " + reason);
        }
        leave(hand);
    }

    /// Remembers what a member has against beginning; nothing if it begins.
    synchronized void objected(Hand hand, Optional<String> objection) {
        if (!hand.gone) {
            hand.objection = objection.orElse(null);
        }
    }

    /// Returns what a member had against beginning, if it has neither begun nor left.
    synchronized Optional<String> objection(Hand hand) {
        return Optional.ofNullable(hand.objection);
    }

    /// Returns what a hand did.
    synchronized SweepSummary.Share share(Hand hand) {
        return new SweepSummary.Share(hand.name, hand.isHere, hand.numDone, hand.nanos);
    }

    /// Says something about the sweep.
    synchronized void note(String note) {
        notes.add(note);
    }

    synchronized List<String> notes() {
        return List.copyOf(notes);
    }

    /// Waits for the outcomes of a trace, and returns them in the order in which one machine has them.
    ///
    /// @throws InterruptedException if this thread is interrupted meanwhile
    synchronized List<Outcome> await(int trace) throws InterruptedException {
        List<Piece> wanted = pieces.stream()
                .filter(piece -> piece.what.trace() == trace)
                .sorted(Comparator.comparingInt(piece -> piece.what.at()))
                .toList();
        List<Outcome> outcomes = new ArrayList<>();
        for (Piece piece : wanted) {
            while (!piece.isSettled()) {
                wait();
            }
            outcomes.addAll(outcomes(piece));
        }
        return outcomes;
    }

    private static List<Outcome> outcomes(Piece piece) {
        return switch (piece.failure) {
            case null -> Objects.requireNonNull(piece.computed).outcomes();
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(piece.failure);
        };
    }

    /// Waits for some time, and says whether there is still something to do for a hand then.
    synchronized boolean goesOnAfter(long millis, Hand hand) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left = millis; left > 0 && !ended && !hand.gone; left = millisTo(end)) {
            try {
                wait(left);
            } catch (InterruptedException e) {
                return false; // the process ends
            }
        }
        return !ended && !hand.gone;
    }

    private static long millisTo(long end) {
        return TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    }

    /// Ends the sweep: whatever is out is not waited for.
    void end() {
        List<Errand> left;
        synchronized (this) {
            ended = true;
            left = out.stream().flatMap(piece -> piece.errands.stream()).toList();
            notifyAll();
        }
        left.forEach(Errand::cancel);
    }
}
