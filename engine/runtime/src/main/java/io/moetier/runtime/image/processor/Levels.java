package io.moetier.runtime.image.processor;

import java.util.List;

/// What each of the 256 levels of a channel is to a tower: scaled and normalised, in the reference's own order.
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record Levels(float[] table) {
    private static final int LEVELS = 256;
    private static final int CHANNELS = 3;
    private static final int DROPPED_BITS = 16; // of float32, by bfloat16

    /// Returns levels as NumPy computes them: scaled in float64, normalised in float32.
    static Levels numpy(double factor, List<Double> mean, List<Double> deviation) {
        float[] table = new float[CHANNELS * LEVELS];
        for (int i = 0; i < table.length; i++) {
            float scaled = (float) (i % LEVELS * factor);
            table[i] = (scaled - mean.get(i / LEVELS).floatValue())
                    / deviation.get(i / LEVELS).floatValue();
        }
        return new Levels(table);
    }

    /// Returns levels that are scaled alone.
    static Levels scaled(double factor) {
        return numpy(factor, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));
    }

    /// Returns levels as PyTorch computes them in bfloat16.
    static Levels bfloat16(double factor, List<Double> mean, List<Double> deviation) {
        float[] table = new float[CHANNELS * LEVELS];
        for (int i = 0; i < table.length; i++) {
            float scaled = rounded(i % LEVELS * (float) factor);
            float shifted = rounded(scaled - rounded(mean.get(i / LEVELS).floatValue()));
            table[i] = rounded(shifted / rounded(deviation.get(i / LEVELS).floatValue()));
        }
        return new Levels(table);
    }

    /// Returns the nearest bfloat16, the even one of two.
    private static float rounded(float value) {
        int bits = Float.floatToRawIntBits(value);
        int half = (1 << (DROPPED_BITS - 1)) - 1 + ((bits >>> DROPPED_BITS) & 1);
        return Float.intBitsToFloat((bits + half) & (-1 << DROPPED_BITS));
    }

    float of(int channel, byte level) {
        return table[channel * LEVELS + (level & 0xFF)];
    }
}
