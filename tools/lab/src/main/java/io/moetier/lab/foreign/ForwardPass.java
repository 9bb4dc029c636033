package io.moetier.lab.foreign;

import java.util.SortedMap;
import java.util.TreeMap;

/// The tokens of one forward pass, whose rows come layer after layer and token after token within each.
final class ForwardPass {
    private final SortedMap<Integer, SortedMap<Integer, Choice>> tokens = new TreeMap<>();
    private int layer = -1;
    private int step;

    /// Says whether a row of the token `ofStep` in `ofLayer` can belong to this pass, after those that came before.
    boolean continuesWith(int ofLayer, int ofStep) {
        return ofLayer > layer || (ofLayer == layer && ofStep >= step);
    }

    /// Adds what a token chose in a layer.
    ///
    /// @return whether it is the first of the token and layer
    boolean add(int ofLayer, int ofStep, Choice choice) {
        layer = ofLayer;
        step = ofStep;
        return tokens.computeIfAbsent(step, _ -> new TreeMap<>()).put(layer, choice) == null;
    }

    /// Returns the choices by layer of each token, in the order of their steps.
    SortedMap<Integer, SortedMap<Integer, Choice>> tokens() {
        return tokens;
    }
}
