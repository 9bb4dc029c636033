package io.moetier.engine.device;

import java.util.Optional;

/// The rotation of every position: cosines and sines `[position][rotaryDim / 2]`, multiplied by the attention factor.
///
/// Angles are computed in double and rounded once. The table grows as positions are asked for; [#reserve] makes it
/// grow ahead of time. Safe to share between threads.
///
/// Rotary embeddings: Su et al., arXiv:2104.09864. YaRN: Peng et al., arXiv:2309.00071.
public final class RopeTable {
    private static final int LEAST_POSITIONS = 64;

    private final double[] inverseFrequencies;
    private final double attentionFactor;
    private final boolean interleaved;
    private volatile Angles angles;

    private RopeTable(double[] inverseFrequencies, double attentionFactor, boolean interleaved) {
        this.inverseFrequencies = inverseFrequencies;
        this.attentionFactor = attentionFactor;
        this.interleaved = interleaved;
        this.angles = new Angles(0, new float[0], new float[0]);
    }

    /// Returns a table with inverse frequencies `theta^(-2i / rotaryDim)`, before scaling.
    ///
    /// @param rotaryDim how many elements of a head are rotated
    /// @param interleaved whether element `2i` is paired with element `2i + 1`, instead of `i` with
    ///     `i + rotaryDim / 2` as `rotate_half` does
    public static RopeTable of(int rotaryDim, double theta, boolean interleaved, Optional<Scaling> scaling) {
        double[] frequencies = frequencies(rotaryDim, theta);
        double factor = scaling.map(how -> how.apply(frequencies, theta)).orElse(1.0);
        return new RopeTable(frequencies, factor, interleaved);
    }

    /// How a checkpoint stretches its positions to longer contexts.
    public sealed interface Scaling permits Yarn {
        /// Changes the inverse frequencies and returns what cosines and sines are multiplied by.
        double apply(double[] frequencies, double theta);
    }

    /// Says whether neighbours are paired.
    public boolean interleaved() {
        return interleaved;
    }

    /// Returns how many elements of a head are rotated.
    public int rotaryDim() {
        return 2 * inverseFrequencies.length;
    }

    /// Returns the angles of positions below `positions`, and perhaps of more.
    public Angles reserve(int positions) {
        Angles known = angles;
        return known.positions() >= positions ? known : grow(positions);
    }

    private synchronized Angles grow(int positions) {
        Angles known = angles;
        if (known.positions() < positions) {
            known = compute(Math.max(Math.max(positions, LEAST_POSITIONS), 2 * known.positions()));
            angles = known;
        }
        return known;
    }

    private Angles compute(int positions) {
        int half = inverseFrequencies.length;
        float[] cos = new float[Math.multiplyExact(positions, half)];
        float[] sin = new float[cos.length];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < half; i++) {
                double angle = position * inverseFrequencies[i];
                cos[position * half + i] = (float) (Math.cos(angle) * attentionFactor);
                sin[position * half + i] = (float) (Math.sin(angle) * attentionFactor);
            }
        }
        return new Angles(positions, cos, sin);
    }

    private static double[] frequencies(int rotaryDim, double theta) {
        if (rotaryDim <= 0 || rotaryDim % 2 != 0) {
            throw new IllegalArgumentException("rotary embeddings rotate pairs of elements, not " + rotaryDim);
        }
        double[] frequencies = new double[rotaryDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / rotaryDim);
        }
        return frequencies;
    }

    /// The table as far as it has been computed; the arrays are not to be written.
    ///
    /// @param positions how many positions
    /// @param cos `[positions][rotaryDim / 2]`
    /// @param sin `[positions][rotaryDim / 2]`
    @SuppressWarnings("ArrayRecordComponent") // kernels index the arrays; nobody compares them
    public record Angles(int positions, float[] cos, float[] sin) {}

    /// The parameters of YaRN as `rope_scaling` of a checkpoint gives them.
    ///
    /// @param factor how many times longer the context became
    /// @param originalPositions context length before scaling
    /// @param betaFast rotations above which a frequency is kept, usually 32
    /// @param betaSlow rotations below which a frequency is divided by `factor`, usually 1
    /// @param truncate whether the bounds of the ramp are rounded outwards, usually true
    /// @param attentionFactor what cosines and sines are multiplied by
    public record Yarn(
            double factor,
            double originalPositions,
            double betaFast,
            double betaSlow,
            boolean truncate,
            double attentionFactor)
            implements Scaling {
        @Override
        public double apply(double[] frequencies, double theta) {
            int rotaryDim = 2 * frequencies.length;
            double low = correction(betaFast, rotaryDim, theta);
            double high = correction(betaSlow, rotaryDim, theta);
            if (truncate) {
                low = Math.floor(low);
                high = Math.ceil(high);
            }
            low = Math.max(low, 0);
            high = Math.min(high, rotaryDim - 1.0);
            if (low == high) {
                high += 0.001; // as the reference does, so that the ramp below stays finite
            }
            for (int i = 0; i < frequencies.length; i++) {
                double ramp = Math.clamp((i - low) / (high - low), 0.0, 1.0);
                frequencies[i] = frequencies[i] / factor * ramp + frequencies[i] * (1 - ramp);
            }
            return attentionFactor;
        }

        /// Returns the attention factor of a checkpoint that does not state one.
        ///
        /// @param mscale `mscale` of the checkpoint, 0 if absent; `mscaleAllDim` likewise
        public static double attentionFactor(double factor, double mscale, double mscaleAllDim) {
            if (mscale != 0 && mscaleAllDim != 0) {
                return magnitude(factor, mscale) / magnitude(factor, mscaleAllDim);
            }
            return magnitude(factor, 1);
        }

        private static double magnitude(double factor, double mscale) {
            return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
        }

        private double correction(double rotations, int rotaryDim, double theta) {
            return rotaryDim * Math.log(originalPositions / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
        }
    }
}
