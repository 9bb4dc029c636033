package io.moetier.lab.simulate;

/// The optimum as one more contender. Experts of a step that needs more of them than there are slots are used one
/// after another by the engine, in an order of its own, so they are taken as used at once.
final class ClairvoyantTier implements SimulatedTier {
    private final Clairvoyant optimum;
    private final int numSlots;

    ClairvoyantTier(int[] ids, int numSlots) {
        optimum = new Clairvoyant(ids, numSlots);
        this.numSlots = numSlots;
    }

    @Override
    public int decide(int[] ids, float[] weights, boolean weighted, int n) {
        int hits = 0;
        for (int i = 0; i < n; i++) {
            if (i == 0 || n <= numSlots) {
                optimum.step();
            }
            hits += optimum.use(ids[i]) ? 1 : 0;
        }
        return hits;
    }
}
