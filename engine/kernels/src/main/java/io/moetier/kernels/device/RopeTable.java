package io.moetier.kernels.device;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
    private final int longestText;
    private final @Nullable RopeTable ofLongerTexts;
    private final Places places;
    private volatile Angles angles;

    private RopeTable(
            double[] inverseFrequencies,
            double attentionFactor,
            boolean interleaved,
            int longestText,
            @Nullable RopeTable ofLongerTexts,
            Places places) {
        this.inverseFrequencies = inverseFrequencies;
        this.attentionFactor = attentionFactor;
        this.interleaved = interleaved;
        this.longestText = longestText;
        this.ofLongerTexts = ofLongerTexts;
        this.places = places;
        this.angles = new Angles(0, new float[0], new float[0]);
    }

    /// Returns a table with inverse frequencies `theta^(-2i / rotaryDim)`, before scaling.
    ///
    /// @param rotaryDim how many elements of a head are rotated
    /// @param interleaved whether element `2i` is paired with element `2i + 1`, instead of `i` with
    ///     `i + rotaryDim / 2` as `rotate_half` does
    /// @throws IllegalArgumentException if these numbers give angles that are not finite
    public static RopeTable of(int rotaryDim, double theta, boolean interleaved, Optional<Scaling> scaling) {
        double[] frequencies = frequencies(rotaryDim, theta);
        int longestText = Integer.MAX_VALUE;
        RopeTable ofLongerTexts = null;
        if (scaling.isPresent() && scaling.get() instanceof LongRope change) {
            longestText = change.originalPositions();
            ofLongerTexts = of(rotaryDim, theta, interleaved, Optional.of(change.longer()));
        }
        double factor = scaling.map(how -> how.apply(frequencies, theta)).orElse(1.0);
        requireFinite(frequencies, factor);
        return new RopeTable(frequencies, factor, interleaved, longestText, ofLongerTexts, (token, pair) -> token);
    }

    /// Returns a table with these inverse frequencies, whose tokens are where `places` says.
    public static RopeTable of(double[] frequencies, boolean interleaved, Places places) {
        requireFinite(frequencies, 1);
        return new RopeTable(frequencies.clone(), 1, interleaved, Integer.MAX_VALUE, null, places);
    }

    /// Where tokens are. A text is a line; an image has rows and columns, by which pairs of their own are rotated.
    @FunctionalInterface
    public interface Places {
        /// Returns where a token is for one of the rotated pairs.
        int of(int token, int pair);
    }

    /// Returns a table of the same frequencies, whose tokens are where `newPlaces` says.
    public RopeTable along(Places newPlaces) {
        return new RopeTable(inverseFrequencies, attentionFactor, interleaved, longestText, ofLongerTexts, newPlaces);
    }

    private static void requireFinite(double[] frequencies, double factor) {
        if (!Double.isFinite(factor) || !Arrays.stream(frequencies).allMatch(Double::isFinite)) {
            throw new IllegalArgumentException("rotary positions: expected finite angles, found the factor " + factor
                    + " on them and frequencies "
                    + Arrays.stream(frequencies).min().orElse(0) + " to "
                    + Arrays.stream(frequencies).max().orElse(0));
        }
    }

    /// Returns the table to rotate with in a text of `length` tokens: this one, unless long texts have their own.
    public RopeTable ofText(int length) {
        return ofLongerTexts == null || length <= longestText ? this : ofLongerTexts;
    }

    /// Returns the length of the longest text to rotate with this table.
    public int longestText() {
        return longestText;
    }

    /// How a checkpoint stretches its positions to longer contexts.
    public sealed interface Scaling permits Yarn, Llama3, LargerBase, Divided, FirstPairs, LongRope {
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

    /// Returns the bytes that a table takes once `positions` were asked for.
    public static long bytes(int rotaryDim, int positions) {
        int pairs = rotaryDim / 2;
        return 2L * Float.BYTES * pairs * room(positions, pairs);
    }

    /// Returns the bytes that are taken now.
    public long byteSize() {
        return 2L * Float.BYTES * angles.cos().length + (ofLongerTexts == null ? 0 : ofLongerTexts.byteSize());
    }

    /// Returns for how many positions there is room once so many were asked for, whatever was asked for before.
    private static int room(int positions, int pairs) {
        long doubled = Long.highestOneBit(Math.max(0, positions - 1L)) << 1;
        int most = Integer.MAX_VALUE / pairs; // as an array holds
        return positions == 0 ? 0 : Math.max(positions, (int) Math.min(Math.max(LEAST_POSITIONS, doubled), most));
    }

    /// Returns the angles of positions below `positions`, and perhaps of more.
    public Angles reserve(int positions) {
        Angles known = angles;
        return known.positions() >= positions ? known : grow(positions);
    }

    private synchronized Angles grow(int positions) {
        Angles known = angles;
        if (known.positions() < positions) {
            known = longer(known, room(positions, inverseFrequencies.length));
            angles = known;
        }
        return known;
    }

    private Angles longer(Angles known, int positions) {
        int half = inverseFrequencies.length;
        float[] cos = Arrays.copyOf(known.cos(), Math.multiplyExact(positions, half));
        float[] sin = Arrays.copyOf(known.sin(), cos.length);
        for (int position = known.positions(); position < positions; position++) {
            for (int i = 0; i < half; i++) {
                double angle = places.of(position, i) * inverseFrequencies[i];
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

    /// The scaling of Llama 3.1 (Grattafiori et al. 2024, arXiv:2407.21783): long waves are stretched, short ones are
    /// not, and those between are mixed.
    ///
    /// @param factor how many times longer the context became
    /// @param lowFrequencyFactor a wave longer than `originalPositions / lowFrequencyFactor` is stretched
    /// @param highFrequencyFactor one not longer than `originalPositions / highFrequencyFactor` is kept
    /// @param originalPositions context length before scaling
    public record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, double originalPositions)
            implements Scaling {
        @Override
        public double apply(double[] frequencies, double theta) {
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] *= kept(originalPositions * frequencies[i] / (2 * Math.PI));
            }
            return 1;
        }

        /// @param turns how often the wave fits the original context
        private double kept(double turns) {
            if (turns < lowFrequencyFactor) {
                return 1 / factor;
            }
            if (turns >= highFrequencyFactor) {
                return 1;
            }
            double share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            return (1 - share) / factor + share;
        }
    }

    /// `theta` multiplied by `alpha^(d / (d - 2))`, `d` elements being rotated, which divides the lowest frequency by
    /// `alpha` and keeps the highest ("NTK-aware" scaling, bloc97 2023).
    public record LargerBase(double alpha) implements Scaling {
        @Override
        public double apply(double[] frequencies, double theta) {
            int pairs = frequencies.length;
            for (int i = 0; i < pairs; i++) {
                frequencies[i] *= Math.pow(alpha, -i / (pairs - 1.0));
            }
            return 1;
        }
    }

    /// Each frequency divided by a number of its own.
    ///
    /// @param magnitude what cosines and sines are multiplied by
    public record Divided(List<Double> divisors, double magnitude) implements Scaling {
        public Divided {
            divisors = List.copyOf(divisors);
        }

        @Override
        public double apply(double[] frequencies, double theta) {
            if (divisors.size() != frequencies.length) {
                throw new IllegalArgumentException(
                        divisors.size() + " divisors of " + frequencies.length + " frequencies");
            }
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] /= divisors.get(i);
            }
            return magnitude;
        }
    }

    /// The first pairs alone are rotated, by the frequencies that they have among all.
    ///
    /// @param share of the pairs
    public record FirstPairs(double share) implements Scaling {
        @Override
        public double apply(double[] frequencies, double theta) {
            Arrays.fill(frequencies, (int) (share * frequencies.length), frequencies.length, 0);
            return 1;
        }
    }

    /// LongRoPE (Ding et al. 2024, arXiv:2402.13753): texts longer than the context of training are rotated by other
    /// frequencies, from their first token on.
    ///
    /// A text that grows past that length while it is generated keeps the keys it has: what comes from then on is
    /// rotated by the frequencies of long texts, as in transformers.
    ///
    /// @param originalPositions context length of training
    /// @param shorter of texts up to that length; `longer` of the others
    public record LongRope(int originalPositions, Divided shorter, Divided longer) implements Scaling {
        @Override
        public double apply(double[] frequencies, double theta) {
            return shorter.apply(frequencies, theta);
        }

        /// Returns what cosines and sines are multiplied by in a checkpoint that does not say it, whose context became
        /// `factor` times as long.
        public static double magnitude(double factor, int originalPositions) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalPositions));
        }
    }

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

        /// Returns by how much attention of a context `factor` times as long is sharpened: 1 if `mscale` is 0.
        public static double magnitude(double factor, double mscale) {
            return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
        }

        private double correction(double rotations, int rotaryDim, double theta) {
            return rotaryDim * Math.log(originalPositions / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
        }
    }
}
