package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
/// The heads of attention.
///
/// @param numHeads of queries
/// @param numKeyValueHeads of keys and values, which as many heads of queries share
/// @param headDim elements of a query and of a key
/// @param valueDim elements of a value and of a head's result
/// @param scale factor on query·key

public record HeadsSpec(int numHeads, int numKeyValueHeads, int headDim, int valueDim, float scale) {
    /// @throws IllegalArgumentException if a number is out of range
    public HeadsSpec {
        Range.require("query heads", numHeads, 1, Range.ROW);
        Range.require("key and value heads", numKeyValueHeads, 1, numHeads);
        Range.require("elements of a head", headDim, 1, Range.ROW);
        Range.require("elements of a value", valueDim, 1, Range.ROW);
        Range.requireFinite("scale of attention", scale);
    }

    /// Creates heads whose values are as long as their keys.
    public HeadsSpec(int numHeads, int numKeyValueHeads, int headDim, float scale) {
        this(numHeads, numKeyValueHeads, headDim, headDim, scale);
    }
}
