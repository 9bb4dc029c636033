package io.moetier.kernels.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LargestTest {
    private final Largest largest = new Largest();

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 63, 64, 65, 1000, 20_000})
    void isTheBeginningOfTheSortedNumbers(int n) {
        Random random = new Random(n);
        float[] values = new float[n + 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(n); // so that many are equal
        }
        for (int k : new int[] {1, 7, 64, n}) {
            largest.find(values, 3, n, k);
            int[] expected = IntStream.range(0, n)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer i) -> -values[3 + i]))
                    .limit(k)
                    .mapToInt(Integer::intValue)
                    .toArray();
            assertArrayEquals(expected, indices(), n + " numbers, the " + k + " largest");
            for (int i = 0; i < largest.size(); i++) {
                assertEquals(values[3 + expected[i]], largest.value(i));
            }
        }
    }

    @Test
    void someIndicesCanBeLeftOut() {
        BitSet indices = new BitSet();
        indices.set(1);
        indices.set(9);
        largest.find(new float[] {1, 5, 3, 4, 2}, 0, 5, 4);
        Largest others = new Largest();
        others.take(largest, indices, 2);
        assertArrayEquals(new int[] {1, 3, 2, 4}, indices());
        largest.take(largest, indices, 2);
        assertArrayEquals(new int[] {3, 2}, indices());
        assertEquals(2, others.size());
        assertEquals(3, others.index(0));
        assertEquals(3, others.value(1));
    }

    @Test
    void theWorstOrderIsSortedToo() {
        float[] rising = new float[10_000];
        for (int i = 0; i < rising.length; i++) {
            rising[i] = i;
        }
        largest.find(rising, 0, rising.length, 3);
        assertArrayEquals(new int[] {9999, 9998, 9997}, indices());
    }

    @Test
    void bothZerosAreEqualAndNegativeNumbersFollow() {
        largest.find(new float[] {-2, -0f, 0, -1, Float.NEGATIVE_INFINITY}, 0, 5, 5);
        assertArrayEquals(new int[] {1, 2, 3, 0}, indices());
        assertEquals(-2, largest.value(3));
    }

    @Test
    void whatIsNoNumberComesFirst() {
        largest.find(new float[] {1, Float.POSITIVE_INFINITY, -Float.NaN, 2}, 0, 4, 2);
        assertArrayEquals(new int[] {2, 1}, indices());
        assertTrue(Float.isNaN(largest.value(0)));
        assertEquals(Float.POSITIVE_INFINITY, largest.value(1));
    }

    private int[] indices() {
        return IntStream.range(0, largest.size()).map(largest::index).toArray();
    }
}
