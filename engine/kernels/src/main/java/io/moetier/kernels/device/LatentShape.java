package io.moetier.kernels.device;

import org.jspecify.annotations.Nullable;

/// The constants of a layer of multi-head latent attention. All heads of queries share one key, which is a latent and
/// a rotated part, and one value, which is the latent.
///
/// @param numHeads query heads
/// @param nopeDim floats of a head of the query that are not rotated; they reach the latent through a matrix
/// @param ropeDim floats of a head of the query that follow and are rotated
/// @param latentDim floats of a latent
/// @param scale what the scores are multiplied by, usually `1 / sqrt(nopeDim + ropeDim)`
/// @param sinks a further logit for each query head; null for none
public record LatentShape(
        int numHeads,
        int nopeDim,
        int ropeDim,
        int latentDim,
        float scale,
        @Nullable AttentionSinks sinks) {
    /// @throws IllegalArgumentException if a count is not positive, or sums do not fit 32 bits
    public LatentShape {
        if (numHeads <= 0 || nopeDim < 0 || ropeDim < 0 || latentDim <= 0) {
            throw new IllegalArgumentException("numHeads " + numHeads + ", nopeDim " + nopeDim + ", ropeDim " + ropeDim
                    + ", latentDim " + latentDim);
        }
        if ((long) ropeDim + Math.max(nopeDim, latentDim) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(ropeDim + " rotated elements beside " + Math.max(nopeDim, latentDim));
        }
    }

    /// Creates one without sinks.
    public LatentShape(int numHeads, int nopeDim, int ropeDim, int latentDim, float scale) {
        this(numHeads, nopeDim, ropeDim, latentDim, scale, null);
    }

    /// Returns how many floats a head of the query has.
    public int queryDim() {
        return nopeDim + ropeDim;
    }

    /// Returns how many floats a key has.
    public int keyDim() {
        return latentDim + ropeDim;
    }
}
