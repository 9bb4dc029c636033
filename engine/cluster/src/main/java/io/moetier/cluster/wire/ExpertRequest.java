package io.moetier.cluster.wire;

import io.moetier.runtime.remote.ExpertRows;
import java.util.Arrays;

/// What a driver asks of a node for one layer of one step: some experts, each applied to rows of activations.
///
/// A buffer that is filled anew for every request and grows as it needs to. Which rows an expert reads stands in
/// `rows`, group by group in the order of `experts`: expert `i` reads `counts[i]` of them.
public final class ExpertRequest implements ExpertRows {
    public long sequence; // tells requests of one link apart; ascending
    public int layer;
    public int tokens; // of the whole pass, which may choose how experts are computed
    public int size; // elements of a row
    public int numExperts;
    public int numRows; // of all experts together
    public int numInputs;
    public int[] experts = {}; // [numExperts], in the layer
    public int[] counts = {}; // [numExperts], at least 1 each
    public float[] weights = {}; // [numExperts], routing weights summed over the rows
    public int[] rows = {}; // [numRows], each below numInputs
    public float[] inputs = {}; // [numInputs, size]

    /// Makes room for so many; what was there before is lost.
    public void reserve(int experts, int rows, int inputs, int size) {
        if (this.experts.length < experts) {
            this.experts = new int[experts];
            counts = new int[experts];
            weights = new float[experts];
        }
        if (this.rows.length < rows) {
            this.rows = new int[rows];
        }
        if (this.inputs.length < Math.multiplyExact(inputs, size)) {
            this.inputs = new float[Math.multiplyExact(inputs, size)];
        }
    }

    /// Begins a request without any expert.
    public void begin(long newSequence, int newLayer, int newTokens, int newSize) {
        sequence = newSequence;
        layer = newLayer;
        tokens = newTokens;
        size = newSize;
        numExperts = 0;
        numRows = 0;
        numInputs = 0;
    }

    @Override
    public int layer() {
        return layer;
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public float[] inputs() {
        return inputs;
    }

    @Override
    public int numInputs() {
        return numInputs;
    }

    @Override
    public int numExperts() {
        return numExperts;
    }

    @Override
    public int numRows() {
        return numRows;
    }

    @Override
    public int expert(int i) {
        return experts[i];
    }

    @Override
    public float weight(int i) {
        return weights[i];
    }

    @Override
    public int count(int i) {
        return counts[i];
    }

    @Override
    public int[] inputRows() {
        return rows;
    }

    @Override
    public String toString() {
        return "request " + sequence + ": layer " + layer + ", experts "
                + Arrays.toString(Arrays.copyOf(experts, numExperts)) + ", " + numRows + " rows of " + size;
    }
}
