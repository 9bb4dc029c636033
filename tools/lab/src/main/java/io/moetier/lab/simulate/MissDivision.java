package io.moetier.lab.simulate;

/// How a layer's missing experts are divided between the cache's memory and a processor that computes them elsewhere.
@FunctionalInterface
public interface MissDivision {
    /// All of them are brought in.
    MissDivision BROUGHT_IN = (missing, expertBytes) -> 0;

    /// Returns how many of the missing experts are not brought in for the layer.
    int onProcessor(int missing, double expertBytes);
}
