package io.moetier.lab.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.simulate.Outcome;
import io.moetier.storage.model.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a board hands out, with hands whose every answer the test gives: nothing depends on how fast they are.
@Timeout(60)
class SweepBoardTest {
    private final List<Thread> threads = new ArrayList<>();
    private SweepBoard board = new SweepBoard(List.of());

    /// A hand that does nothing by itself.
    private final class Held implements Hand.Work {
        private final BlockingQueue<Given> given = new LinkedBlockingQueue<>();
        private final Hand hand;

        Held(String name, boolean isHere, int number) {
            hand = new Hand(name, isHere, number, this);
            for (int i = 0; i < hand.width(); i++) {
                threads.add(Thread.ofVirtual().start(() -> board.workFor(hand)));
            }
        }

        @Override
        public SweepReply.Computed compute(Errand errand, SweepTask task) {
            Given one = new Given(errand, task, new LinkedBlockingQueue<>());
            given.add(one);
            return take(one.answer).apply(task);
        }

        Given next() {
            return take(given);
        }

        List<Given> next(int number) {
            return IntStream.range(0, number).mapToObj(_ -> next()).toList();
        }
    }

    private record Given(
            Errand errand, SweepTask task, BlockingQueue<Function<SweepTask, SweepReply.Computed>> answer) {
        String name() {
            return task.plan().spelling();
        }

        void answer(long tokens) {
            answer.add(task -> SweepTasks.computed(task, tokens));
        }

        void fail(RuntimeException failure) {
            answer.add(_ -> {
                throw failure;
            });
        }
    }

    private static <T> T take(BlockingQueue<T> queue) {
        try {
            return queue.take();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void begin(int pieces) {
        board = new SweepBoard(SweepTasks.pieces(pieces));
    }

    private static List<String> names(List<Given> given) {
        return given.stream().map(Given::name).sorted().toList();
    }

    private List<Long> tokens() throws InterruptedException {
        return board.await(0).stream().map(Outcome::tokens).distinct().toList();
    }

    @AfterEach
    void end() throws InterruptedException {
        board.end();
        threads.forEach(Thread::interrupt);
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Test
    void aMemberHasOneMoreThanItsThreads() throws InterruptedException {
        begin(5);
        List<Given> away = new Held("a", false, 2).next(3);
        assertEquals(List.of("0", "1", "2"), names(away));
        List<Given> here = new Held("here", true, 2).next(2);
        assertEquals(List.of("3", "4"), names(here));
        away.forEach(given -> given.answer(10));
        here.forEach(given -> given.answer(20));
        assertEquals(List.of(10L, 20L), tokens());
    }

    @Test
    void whatAMemberHadIsGivenToOthersWhenItLeaves() throws InterruptedException {
        begin(3);
        Held gone = new Held("a", false, 2);
        List<Given> lost = gone.next(3);
        board.leave(gone.hand);
        List<Given> again = new Held("b", false, 2).next(3);
        assertEquals(names(lost), names(again));
        lost.getFirst().fail(new MemberLeftException("a has left"));
        again.forEach(given -> given.answer(7));
        assertEquals(List.of(7L), tokens());
        assertEquals(0, board.share(gone.hand).tasks());
        assertEquals(List.of(), board.notes());
    }

    @Test
    void whoseMemberHasLeftIsGivenNothingMore() throws InterruptedException {
        begin(2);
        Held gone = new Held("a", false, 1);
        List<Given> lost = gone.next(2);
        lost.getFirst().fail(new MemberLeftException("a has left"));
        List<Given> again = new Held("here", true, 2).next(2);
        assertEquals(names(lost), names(again));
        again.forEach(given -> given.answer(7));
        assertEquals(List.of(7L), tokens());
    }

    /// Here is a machine that hangs, and another one, and this one.
    @Test
    void whoeverHasNothingElseTakesWhatIsOut() throws InterruptedException {
        begin(2);
        Held hanging = new Held("a", false, 1);
        List<Given> out = hanging.next(2);
        Held second = new Held("b", false, 1);
        Given copy = second.next();
        assertEquals("0", copy.name());
        Held here = new Held("here", true, 1);
        Given first = here.next();
        assertEquals("1", first.name());
        first.answer(3);
        Given third = here.next();
        assertEquals("0", third.name());
        third.answer(3);
        assertEquals(List.of(3L), tokens());
        out.forEach(given -> given.answer(99));
        copy.answer(99);
        assertEquals(List.of(3L), tokens());
        end();
        assertEquals(
                List.of(true, true),
                out.stream().map(given -> given.errand().isCancelled()).toList());
        assertEquals(0, board.share(hanging.hand).tasks());
    }

    @Test
    void whatHasFailedAtAMemberIsTriedHere() throws InterruptedException {
        begin(3);
        Held a = new Held("a", false, 1);
        List<Given> out = a.next(2);
        out.getFirst().fail(new TaskException("no memory"));
        String failed = out.getFirst().name();
        Given last = a.next();
        assertEquals("2", last.name(), "and not the one that failed");
        Given here = new Held("here", true, 1).next();
        assertEquals(failed, here.name());
        here.answer(1);
        out.getLast().answer(1);
        last.answer(1);
        assertEquals(List.of(1L), tokens());
        assertEquals(List.of(), board.notes());
    }

    @Test
    void whatHasFailedHereHasFailed() {
        begin(2);
        List<Given> out = new Held("here", true, 2).next(2);
        out.getFirst().fail(new MalformedModelException("t: line 5: cut off"));
        out.getLast().answer(1);
        MalformedModelException e = assertThrows(MalformedModelException.class, () -> board.await(0));
        assertEquals("t: line 5: cut off", e.getMessage());
    }

    @Test
    void whoAlwaysFailsIsSentAway() throws InterruptedException {
        begin(9);
        Held bad = new Held("bad", false, 1);
        Given one = bad.next();
        Given two = bad.next();
        one.answer(1);
        Given three = bad.next();
        two.fail(new TaskException("no memory"));
        Given four = bad.next();
        three.fail(new TaskException("no memory"));
        Given five = bad.next();
        four.fail(new TaskException("no memory at all"));
        Held good = new Held("good", false, 8);
        good.next(8).forEach(given -> given.answer(1));
        assertEquals(List.of(1L), tokens());
        assertEquals(List.of("bad takes no part any more: no memory at all"), board.notes());
        assertEquals(1, board.share(bad.hand).tasks());
        five.fail(new CancellationException());
    }

    @Test
    void whoCannotTakePartIsSentAwayAtOnce() throws InterruptedException {
        begin(1);
        Held bad = new Held("bad", false, 1);
        bad.next().fail(new UnusableMemberException("no disk"));
        Given here = new Held("good", false, 1).next();
        here.answer(1);
        assertEquals(List.of(1L), tokens());
        assertEquals(List.of("bad takes no part any more: no disk"), board.notes());
    }

    @Test
    void thoseWhoWaitGoWhenItEnds() throws InterruptedException {
        begin(1);
        Given given = new Held("a", false, 1).next();
        board.end();
        assertEquals(true, given.errand().isCancelled());
        given.fail(new CancellationException());
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
