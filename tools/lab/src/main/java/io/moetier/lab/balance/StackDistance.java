package io.moetier.lab.balance;

import java.util.Arrays;

/// Counts, for each access, the distinct other items since the last access to the same one.
///
/// An LRU cache of `n` slots that admits everything hits exactly the accesses whose distance is below `n`
/// ([1]; the tree of marks over time is that of [2]). An access costs a logarithm of the number of items; the memory
/// is 20 bytes an item.
///
/// 1. R. L. Mattson et al., Evaluation techniques for storage hierarchies, IBM Systems Journal 9 (1970)
/// 2. B. T. Bennett, V. J. Kruskal, LRU stack processing, IBM Journal of Research and Development 19 (1975)
final class StackDistance {
    /// The distance of an item that was never accessed before.
    static final int NEVER = -1;

    private final int[] timeOf; // of each item's last access, 0 where there was none
    private final int[] itemAt; // the same the other way round, -1 where the item was accessed again later
    private final int[] marks; // Fenwick tree over times: 1 where itemAt holds an item
    private int now;
    private int distinct;

    StackDistance(int numItems) {
        timeOf = new int[numItems];
        itemAt = new int[2 * numItems + 1];
        marks = new int[2 * numItems + 1];
        Arrays.fill(itemAt, -1);
    }

    /// Records an access and returns its distance, or [#NEVER].
    int access(int item) {
        if (now + 1 == itemAt.length) {
            renumber();
        }
        int last = timeOf[item];
        int distance = last == 0 ? NEVER : distinct - marksUpTo(last);
        if (last == 0) {
            distinct++;
        } else {
            itemAt[last] = -1;
            mark(last, -1);
        }
        now++;
        timeOf[item] = now;
        itemAt[now] = item;
        mark(now, 1);
        return distance;
    }

    /// Gives the last accesses the times from 1 on, in their order.
    private void renumber() {
        int items = 0;
        Arrays.fill(marks, 0);
        for (int time = 1; time <= now; time++) {
            int item = itemAt[time];
            itemAt[time] = -1;
            if (item >= 0) {
                items++;
                itemAt[items] = item;
                timeOf[item] = items;
                mark(items, 1);
            }
        }
        now = items;
    }

    private void mark(int time, int change) {
        for (int i = time; i < marks.length; i += Integer.lowestOneBit(i)) {
            marks[i] += change;
        }
    }

    private int marksUpTo(int time) {
        int sum = 0;
        for (int i = time; i > 0; i -= Integer.lowestOneBit(i)) {
            sum += marks[i];
        }
        return sum;
    }
}
