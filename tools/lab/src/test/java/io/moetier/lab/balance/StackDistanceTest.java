package io.moetier.lab.balance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StackDistanceTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 40})
    void isTheDepthInAListOrderedByLastUse(int numItems) {
        Random random = new Random(numItems);
        StackDistance stack = new StackDistance(numItems);
        List<Integer> recent = new ArrayList<>();
        for (int i = 0; i < 20 * numItems; i++) {
            int item = (int) (numItems * random.nextDouble() * random.nextDouble());
            int depth = recent.indexOf(item);
            assertEquals(depth < 0 ? StackDistance.NEVER : depth, stack.access(item), "access " + i);
            recent.remove(Integer.valueOf(item));
            recent.addFirst(item);
        }
    }
}
