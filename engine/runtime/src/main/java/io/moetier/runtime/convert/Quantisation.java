package io.moetier.runtime.convert;

/// What an import does to the weights. Routers and vectors always keep their values.
///
/// @param experts what becomes of the routed experts
/// @param dense what becomes of all other matrices
public record Quantisation(Rounding experts, Rounding dense) {
    /// Every tensor keeps its type; nothing is lost.
    public static final Quantisation KEEP = of(Rounding.KEEP);

    /// Matrices become `Q8_0`.
    public static final Quantisation Q8_0 = of(Rounding.Q8_0);

    /// Does the same to all matrices.
    public static Quantisation of(Rounding all) {
        return new Quantisation(all, all);
    }

    /// Says whether anything is rounded to a type in which the importance of columns shows.
    public boolean weighs() {
        return experts.weighs() || dense.weighs();
    }

    /// Returns the form used in manifests, for example `q4_k`, or `experts-q4_k-dense-q8_0`.
    public String label() {
        return experts == dense ? experts.label() : "experts-" + experts.label() + "-dense-" + dense.label();
    }
}
