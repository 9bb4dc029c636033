package io.moetier.runtime.offload;

import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/// Which experts a cache had better begin with, by what earlier runs chose.
public final class WarmChoice {
    /// To so many tokens the choice looks ahead.
    public static final int FIRST_TOKENS = 32;
    /// An expert that is chosen this often is as likely as not to be chosen within the first tokens, so that reading it
    /// ahead costs at most one read that would not have been.
    private static final double LEAST_SHARE = 1 - Math.pow(0.5, 1.0 / FIRST_TOKENS);

    private WarmChoice() {}

    /// Returns up to `most` of `ids`, those with the highest shares, the highest last.
    ///
    /// @param share of tokens that chose an expert, by packed id
    public static int[] hottestLast(IntStream ids, IntToDoubleFunction share, int most) {
        int[] hottest = ids.filter(id -> share.applyAsDouble(id) > LEAST_SHARE)
                .boxed()
                .sorted(Comparator.comparingDouble(share::applyAsDouble).reversed())
                .limit(most)
                .mapToInt(id -> id)
                .toArray();
        return IntStream.rangeClosed(1, hottest.length)
                .map(i -> hottest[hottest.length - i])
                .toArray();
    }
}
