package io.moetier.cluster.placement;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class BalanceTest {
    @Test
    void tellsWhatIsExpected() {
        PlacerInput input = Cases.input(
                new double[][] {{0.5, 0.5, 0.5, 0.5}},
                1 << 20,
                List.of(
                        Cases.member("driver", 0, 1e10, 0),
                        Cases.member("a", 4 << 20, 1e10, 1e-4),
                        Cases.member("b", 4 << 20, 1e10, 1e-4)));
        Balance balance = Balance.of(input, placement(input, new int[][] {{1, 2}, {1}, {1, 2}, {2, 1}}));
        Balance.Layer layer = balance.layers().getFirst();
        assertEquals(1, balance.layers().size());
        assertArrayEquals(new double[] {0, 0.5, 0.5}, layer.shares(), 1e-9);
        assertEquals(1e-4 + (1 << 20) / 1e10, layer.seconds(), 1e-9);
        assertEquals(1, layer.slowestToMean(), 1e-9);

        assertEquals(
                (1e-4 + 0.75 * (2 << 20) / 1e10) / (1e-4 + 0.5 * (2 << 20) / 1e10),
                Balance.of(input, placement(input, new int[][] {{1}, {1}, {1}, {2}}))
                        .slowestToMean(),
                1e-9);
    }

    private static Placement placement(PlacerInput input, int[][] owners) {
        return new Placement(1, List.of("driver", "a", "b"), input.ids(), owners, new BitSet());
    }
}
