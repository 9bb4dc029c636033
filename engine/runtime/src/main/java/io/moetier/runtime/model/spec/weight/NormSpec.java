package io.moetier.runtime.model.spec.weight;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Normalisation over `size` elements.
///
/// @param weight factor of each element; absent where all are 1. If there are several times as many, so many
///     neighbouring rows take turns
/// @param bias added to each element, where the family has one
/// @param factor on all factors
public record NormSpec(
        Kind kind, int size, Optional<VectorSpec> weight, Optional<VectorSpec> bias, float eps, float factor) {
    /// @throws IllegalArgumentException if a number is out of range
    public NormSpec {
        Range.require("elements of a norm", size, 1, Range.ROW);
        Range.requireNotNegative("epsilon of a norm", eps);
        Range.requireFinite("factor of a norm", factor);
    }

    /// Returns the root mean square norm without factors.
    public static NormSpec rmsWithoutWeight(int size, float eps) {
        return new NormSpec(Kind.RMS, size, Optional.empty(), Optional.empty(), eps, 1);
    }

    /// Returns the root mean square norm whose factors are the vector `weight`, all of them multiplied by `factor`.
    public static NormSpec rms(VectorSpec weight, float eps, float factor) {
        return new NormSpec(Kind.RMS, weight.size(), Optional.of(weight), Optional.empty(), eps, factor);
    }

    /// Returns how many neighbouring rows have factors of their own, and take turns.
    public int numRows() {
        return weight.map(factors -> factors.size() / size).orElse(1);
    }

    /// What the elements are divided by.
    public enum Kind {
        /// Root mean square (Zhang and Sennrich 2019): x·rsqrt(mean(x²) + eps)·weight.
        RMS,
        /// The same with the factors stored as their distance from 1: x·rsqrt(mean(x²) + eps)·(1 + weight).
        ZERO_CENTRED_RMS,
        /// Standard deviation (Ba, Kiros and Hinton 2016): (x - mean)·rsqrt(variance + eps)·weight + bias.
        LAYER
    }

    /// Returns the root mean square norm whose factors are called `prefix.weight`.
    public static NormSpec rms(String prefix, int size, float eps) {
        return of(Kind.RMS, prefix, size, eps);
    }

    /// Returns the root mean square norm of each of `groups` equal parts of `size` elements, whose factors are
    /// called `prefix.weight`.
    public static NormSpec rmsInGroups(String prefix, int size, int groups, float eps) {
        Optional<VectorSpec> weight = Optional.of(VectorSpec.of(prefix + ".weight", size));
        return new NormSpec(Kind.RMS, size / groups, weight, Optional.empty(), eps, 1);
    }

    /// Returns a norm without bias whose factors are called `prefix.weight`.
    public static NormSpec of(Kind kind, String prefix, int size, float eps) {
        return new NormSpec(kind, size, Optional.of(VectorSpec.of(prefix + ".weight", size)), Optional.empty(), eps, 1);
    }

    /// Returns the layer norm called `prefix.weight` and, if `biased`, `prefix.bias`.
    public static NormSpec layer(String prefix, int size, float eps, boolean biased) {
        Optional<VectorSpec> bias = biased ? Optional.of(VectorSpec.of(prefix + ".bias", size)) : Optional.empty();
        return new NormSpec(Kind.LAYER, size, Optional.of(VectorSpec.of(prefix + ".weight", size)), bias, eps, 1);
    }

    /// Returns its vectors.
    public List<VectorSpec> vectors() {
        return Stream.concat(weight.stream(), bias.stream()).toList();
    }
}
