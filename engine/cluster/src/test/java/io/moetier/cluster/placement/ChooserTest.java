package io.moetier.cluster.placement;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.Seeds;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChooserTest {
    private static final PlacerInput INPUT = Cases.input(
            new double[][] {{0.5, 0.5, 0.5, 0.5}},
            1 << 20,
            List.of(
                    Cases.member("driver", 0, 1e10, 0),
                    Cases.member("a", 4 << 20, 1e10, 1e-4),
                    Cases.member("b", 4 << 20, 1e10, 1e-4)));
    private static final Placement PLACEMENT = new Placement(
            1, List.of("driver", "a", "b"), INPUT.ids(), new int[][] {{1, 2}, {1}, {1, 2}, {2, 1}}, new BitSet());

    @Test
    void theIdlerOwnerIsAsked() {
        Chooser chooser = new Chooser(PLACEMENT, INPUT);
        assertArrayEquals(new int[] {2, 1, 1, 2}, choose(chooser, 0, 1, 2, 3));
        assertArrayEquals(new int[] {1, 2}, choose(chooser, 0, 2));
        assertArrayEquals(new int[] {1, 2}, choose(chooser, 0, 2));
        assertArrayEquals(new int[] {2}, choose(chooser, 3));
    }

    @Test
    void whoHasGoneIsNotAsked() {
        Chooser chooser = new Chooser(PLACEMENT, INPUT);
        chooser.setLive(1, false);
        assertArrayEquals(new int[] {2, 0, 2, 2}, choose(chooser, 0, 1, 2, 3));
        chooser.setLive(2, false);
        assertArrayEquals(new int[] {0, 0, 0, 0}, choose(chooser, 0, 1, 2, 3));
        chooser.setLive(1, true);
        chooser.setLive(2, true);
        assertArrayEquals(new int[] {2, 1, 1, 2}, choose(chooser, 0, 1, 2, 3));
    }

    @Test
    void onlyLiveOwnersAreAskedAndTheSameEachTime() {
        Seeds.each(200, (seed, random) -> {
            PlacerInput input = Cases.random(random);
            Placement placement = Placer.place(input);
            Chooser chooser = new Chooser(placement, input);
            boolean[] live = new boolean[input.members().size()];
            for (int member = 0; member < live.length; member++) {
                live[member] = member == 0 || random.nextInt(3) > 0;
                chooser.setLive(member, live[member]);
            }
            int numExperts = (int)
                    Arrays.stream(input.ids()).filter(id -> id >>> 16 == 0).count();
            int[] experts =
                    random.ints(random.nextInt(1, 9), 0, numExperts).distinct().toArray();
            int[] chosen = choose(chooser, experts);
            assertArrayEquals(chosen, choose(chooser, experts));
            for (int i = 0; i < experts.length; i++) {
                int owner = chosen[i];
                int[] owners = placement.owners(0, experts[i]);
                boolean isOwner = Arrays.stream(owners).anyMatch(each -> each == owner);
                boolean anyLive = Arrays.stream(owners).anyMatch(each -> live[each]);
                assertTrue(anyLive ? isOwner && live[owner] : owner == 0);
            }
        });
    }

    @Test
    void nothingIsAllocated() {
        Chooser chooser = new Chooser(PLACEMENT, INPUT);
        int[] experts = {0, 1, 2, 3};
        int[] rows = {1, 2, 30, 4};
        int[] chosen = new int[4];
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < 20_000; i++) {
            chooser.choose(0, experts, rows, 4, chosen);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) {
            chooser.choose(0, experts, rows, 4, chosen);
        }
        assertTrue(threads.getCurrentThreadAllocatedBytes() - before < 1000);
    }

    @Test
    void balanceTellsWhatIsExpected() {
        Balance balance = Balance.of(INPUT, PLACEMENT);
        Balance.Layer layer = balance.layers().getFirst();
        assertEquals(1, balance.layers().size());
        assertArrayEquals(new double[] {0, 0.5, 0.5}, layer.shares(), 1e-9);
        assertEquals(1e-4 + (1 << 20) / 1e10, layer.seconds(), 1e-9);
        assertEquals(1, layer.slowestToMean(), 1e-9);

        Placement uneven = new Placement(
                1, List.of("driver", "a", "b"), INPUT.ids(), new int[][] {{1}, {1}, {1}, {2}}, new BitSet());
        assertEquals(
                (1e-4 + 0.75 * (2 << 20) / 1e10) / (1e-4 + 0.5 * (2 << 20) / 1e10),
                Balance.of(INPUT, uneven).slowestToMean(),
                1e-9);
    }

    private static int[] choose(Chooser chooser, int... experts) {
        int[] chosen = new int[experts.length];
        int[] rows = new int[experts.length];
        Arrays.fill(rows, 1);
        chooser.choose(0, experts, rows, experts.length, chosen);
        return chosen;
    }
}
