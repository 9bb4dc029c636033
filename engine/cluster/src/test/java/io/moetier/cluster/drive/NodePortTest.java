package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.wire.Protocol;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.remote.NodeRows;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// How the experts of a layer go to one node and come back.
class NodePortTest {
    private static final int LAYER = 3;
    private static final int SIZE = 2;
    private static final int INPUTS = 5;

    private final FakeLink link = new FakeLink();
    private final NodePort port = link.port("a");

    @Test
    void everyRowFindsItsPlace() {
        new SplittableRandom(1).ints(200, 1, 40).forEach(numExperts -> {
            int[] counts =
                    new SplittableRandom(numExperts).ints(numExperts, 1, 9).toArray();
            NodeRows rows = rows(counts);
            assertEquals(numExperts, asked(rows, 1 + numExperts % 17, new boolean[numExperts]));
        });
        assertTrue(link.mostUnderWay == 3, () -> link.mostUnderWay + " under way");
    }

    @Test
    void requestsAreSplitByRowsAndAnExpertIsNot() {
        asked(rows(4, 4, 20, 3, 3, 3), 10, new boolean[6]);
        assertEquals(Arrays.asList(8, 20, 9), link.rowsOfRequests);
    }

    @Test
    void whatTheNodeLacksIsMissingAndTheOthersAreNot() {
        link.lacking.add(1);
        link.lacking.add(4);
        boolean[] missing = new boolean[6];
        assertEquals(4, asked(rows(2, 3, 1, 4, 5, 1), 6, missing));
        assertArrayEquals(new boolean[] {false, true, false, false, true, false}, missing);
        assertEquals(2, port.use().numMissing());
        assertEquals(6, port.use().numExperts());
        assertEquals(16, port.use().numRows());
    }

    @Test
    void aLinkThatFailsBetweenRepliesLeavesTheRestMissing() {
        link.repliesUntilFailure = 1;
        boolean[] missing = new boolean[5];
        assertEquals(1, asked(rows(1, 1, 1, 1, 1), 1, missing));
        assertArrayEquals(new boolean[] {false, true, true, true, true}, missing);
        assertEquals(4, port.use().numMissing());
    }

    @Test
    void theLayersThatFollowOneThatFailedAreMissing() {
        link.fail("it is gone");
        boolean[] missing = new boolean[2];
        assertEquals(0, asked(rows(1, 2), 1, missing));
        assertArrayEquals(new boolean[] {true, true}, missing);
    }

    /// However long the reply has waited here, while others were waited for or something was computed.
    @Test
    void whatANodeTakesEndsWhenItsReplyComes() {
        long[] sent = new long[1];
        link.arrivalNanos = System.nanoTime() + Duration.ofDays(1).toNanos();
        asked(rows(1, 3), 512, new boolean[2]);
        port.tell(new ActivityListener() {
            @Override
            public void onNode(String node, int layer, long startNanos, long endNanos, long nodeNanos) {
                sent[0] = startNanos;
                assertEquals(link.arrivalNanos, endNanos);
            }
        });
        assertEquals(link.arrivalNanos - sent[0], port.use().waitNanos());
        assertEquals(port.use().waitNanos() / 4.0, port.use().nanosPerRow());
        port.begin();
        port.give(0, 5);
        assertEquals(5 * port.use().nanosPerRow(), port.nanosGiven());
    }

    @Test
    void aNodeIsWaitedForByWhatItUsuallyTakes() {
        link.arrivalNanos = System.nanoTime() + Duration.ofSeconds(1).toNanos();
        asked(rows(1), 512, new boolean[1]);
        assertEquals(Duration.ofMinutes(2).toNanos(), link.patienceNanos, "it may have to read everything");
        for (int numRows : new int[] {2, 300}) {
            double usual = numRows * port.use().nanosPerRow();
            asked(rows(numRows), 512, new boolean[1]);
            assertEquals(Math.clamp((long) (20 * usual), 6_000_000_000L, 120_000_000_000L), link.patienceNanos);
        }
        link.arrivalNanos = System.nanoTime();
        for (int i = 0; i < 1000; i++) {
            asked(rows(1), 512, new boolean[1]);
        }
        assertEquals(Duration.ofSeconds(6).toNanos(), link.patienceNanos);
    }

    @Test
    void aRequestOrReplyThatIsTooLargeIsNotAskedFor() {
        int size = Protocol.MAX_BYTES / Float.BYTES / 8; // of eight rows only seven fit
        NodeRows rows = new NodeRows(3, 20, size);
        rows.begin(0, 9);
        rows.add(0, 1, new int[9], 0, 9); // a small request, whose reply is too large
        rows.add(1, 1, new int[7], 0, 7);
        rows.add(2, 1, new int[4], 0, 4);
        rows.holds(1, size);
        assertFalse(NodePort.fits(rows, 0));
        assertTrue(NodePort.fits(rows, 1));
        port.begin();
        port.give(1, 7);
        port.give(2, 4);
        port.send(rows, 512);
        assertEquals(Arrays.asList(7, 4), link.rowsOfRequests); // together their reply would be too large
    }

    /// Returns how many came, having held those that did to what they should be.
    private int asked(NodeRows rows, int mostRows, boolean[] missing) {
        port.begin();
        for (int i = 0; i < rows.numExperts(); i++) {
            port.give(i, rows.count(i));
        }
        port.send(rows, mostRows);
        Arrays.fill(missing, true);
        float[] results = new float[rows.numRows() * SIZE];
        int numTaken = port.receive(rows, results, missing);
        for (int i = 0; i < rows.numExperts(); i++) {
            for (int row = rows.from(i); row < rows.from(i) + rows.count(i); row++) {
                for (int at = 0; at < SIZE; at++) {
                    float input = rows.inputs()[rows.inputRows()[row] * SIZE + at];
                    float expected = missing[i] ? 0 : FakeLink.result(LAYER, rows.expert(i), input);
                    assertEquals(expected, results[row * SIZE + at]);
                }
            }
        }
        return numTaken;
    }

    /// Returns rows of experts 0, 1, … that read so many of a few inputs each.
    private static NodeRows rows(int... counts) {
        NodeRows rows = new NodeRows(counts.length, Arrays.stream(counts).sum(), INPUTS * SIZE);
        rows.begin(LAYER, INPUTS);
        for (int expert = 0; expert < counts.length; expert++) {
            int first = expert;
            int[] read = IntStream.range(0, counts[expert])
                    .map(i -> (first + 2 * i) % INPUTS)
                    .toArray();
            rows.add(expert, 1, read, 0, read.length);
        }
        for (int i = 0; i < INPUTS * SIZE; i++) {
            rows.inputs()[i] = i + 1;
        }
        rows.holds(INPUTS, SIZE);
        return rows;
    }
}
