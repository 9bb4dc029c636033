package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
/// How many tokens of one sequence an expert takes in one pass; choices beyond are dropped (Lepikhin et al. 2021;
/// Fedus et al. 2022). Second choices queue behind all first ones.
///
/// @param tokens a fixed number; 0 where `share` says it
/// @param share of the tokens of the pass, rounded up
/// @param likeliestFirst whether tokens queue by the probability of their first choice, not in their order
/// @param renormalise whether the weights that are left of a token are divided by their sum

public record CapacitySpec(int tokens, double share, boolean likeliestFirst, boolean renormalise) {
    /// @throws IllegalArgumentException if a number is out of range
    public CapacitySpec {
        Range.require("capacity of an expert", tokens, 0, Integer.MAX_VALUE);
        Range.requireFinite("capacity of an expert", share);
    }

    /// Returns a limit of this share of the tokens or, where it is not above 0, of this number.
    public static CapacitySpec shareOrNumber(double share, int tokens, boolean likeliestFirst, boolean renormalise) {
        return new CapacitySpec(share > 0 ? 0 : tokens, share, likeliestFirst, renormalise);
    }

    /// Returns how many tokens of `n` an expert takes.
    public int of(int n) {
        return tokens > 0 ? tokens : (int) Math.ceil(share * n);
    }
}
