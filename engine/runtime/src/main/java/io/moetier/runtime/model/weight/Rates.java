package io.moetier.runtime.model.weight;

import io.moetier.runtime.model.spec.weight.VectorSpec;

/// The rates at which states decay, which checkpoints store as logarithms.
public final class Rates {
    private Rates() {}

    public static float[] load(VectorSpec logRates, Weights weights) {
        float[] rates = weights.vector(logRates);
        for (int i = 0; i < rates.length; i++) {
            rates[i] = (float) Math.exp(rates[i]);
        }
        return rates;
    }

    /// Returns the rates of lightning attention, by [io.moetier.runtime.model.spec.LightningSpec]'s formula.
    public static float[] lightning(int numHeads, int layer, int numLayers) {
        double ofLayer = 1 - layer / (numLayers - 1 + 1e-5) + 1e-5;
        float[] rates = new float[numHeads];
        for (int head = 0; head < numHeads; head++) {
            rates[head] = (float) (Math.pow(2, -8.0 * (head + 1) / numHeads) * ofLayer);
        }
        return rates;
    }
}
