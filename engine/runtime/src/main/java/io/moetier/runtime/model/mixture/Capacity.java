package io.moetier.runtime.model.mixture;

import io.moetier.runtime.model.spec.CapacitySpec;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Drops the choices of tokens that come when an expert has no room left in this pass.
final class Capacity {
    private static final int[] NONE = {};
    private static final float SMALLEST_SUM = Math.ulp(1f);

    private final CapacitySpec spec;
    private final int numExperts;
    private int[] taken = new int[0]; // [choice][expert]

    Capacity(CapacitySpec spec, int numExperts) {
        this.spec = spec;
        this.numExperts = numExperts;
    }

    /// Makes -1 with weight 0 of the choices `[n, k]` that find no room.
    void limit(int[] ids, float[] weights, int n, int k) {
        int room = spec.of(n);
        countWhoComesBefore(ids, n, k);
        boolean reorder = n > 1 && spec.likeliestFirst();
        int[] order = reorder ? order(weights, n, k) : NONE;
        for (int at = 0; at < n; at++) {
            int token = reorder ? order[at] : at;
            for (int j = 0; j < k; j++) {
                int choice = token * k + j;
                if (ids[choice] >= 0 && taken[j * numExperts + ids[choice]]++ >= room) {
                    ids[choice] = -1;
                    weights[choice] = 0;
                }
            }
        }
        if (spec.renormalise()) {
            renormalise(weights, n, k);
        }
    }

    /// Second choices queue behind all first ones, and so on.
    private void countWhoComesBefore(int[] ids, int n, int k) {
        if (taken.length < k * numExperts) {
            taken = new int[k * numExperts];
        }
        Arrays.fill(taken, 0);
        for (int token = 0; token < n; token++) {
            for (int j = 0; j < k; j++) {
                for (int later = j + 1; later < k && ids[token * k + j] >= 0; later++) {
                    taken[later * numExperts + ids[token * k + j]]++;
                }
            }
        }
    }

    private static int[] order(float[] weights, int n, int k) {
        return IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(token -> -weights[token * k]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static void renormalise(float[] weights, int n, int k) {
        for (int token = 0; token < n; token++) {
            float sum = 0;
            for (int j = 0; j < k; j++) {
                sum += weights[token * k + j];
            }
            for (int j = 0; j < k; j++) {
                weights[token * k + j] /= Math.max(sum, SMALLEST_SUM);
            }
        }
    }
}
