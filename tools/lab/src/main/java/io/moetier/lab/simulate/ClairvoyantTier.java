package io.moetier.lab.simulate;

/// The optimum as one more contender. Experts of a step that needs more of them than there are slots are used one
/// after another by the engine, in an order of its own, so they are taken as used at once. Of those that the processor
/// computes it is said to take one behind every layer, as others do.
final class ClairvoyantTier implements SimulatedTier {
    private final Clairvoyant optimum;
    private final int numSlots;
    private final int[] onProcessor;
    private int brought;

    /// @param onProcessor how many of the missing experts the processor computes, by how many are missing
    ClairvoyantTier(int[] ids, int numSlots, int[] onProcessor) {
        optimum = new Clairvoyant(ids, numSlots);
        this.numSlots = numSlots;
        this.onProcessor = onProcessor;
    }

    @Override
    public int decide(int[] ids, float[] weights, boolean weighted, int n) {
        int hits = 0;
        for (int i = 0; i < n; i++) {
            step(i, n);
            hits += optimum.use(ids[i]) ? 1 : 0;
        }
        int computed = onProcessor[n - hits];
        brought = n - hits - computed + Math.min(1, computed);
        return hits;
    }

    /// The optimum keeps nothing for uses that do not count, so that it is one of those that do.
    @Override
    public void warmUp(int[] ids, float[] weights, boolean weighted, int n) {
        for (int i = 0; i < n; i++) {
            step(i, n);
            optimum.see(ids[i]);
        }
    }

    private void step(int i, int n) {
        if (i == 0 || n <= numSlots) {
            optimum.step();
        }
    }

    @Override
    public int brought() {
        return brought;
    }
}
