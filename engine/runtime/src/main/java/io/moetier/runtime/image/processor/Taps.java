package io.moetier.runtime.image.processor;

/// Which samples of a line make up each sample of a shorter or longer one, and with which weights. A line that
/// shrinks has its filter widened as much, so that every sample counts.
///
/// @param first the first sample for each new one
/// @param weights of the samples from there on, one after the other, of sum 1
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
record Taps(int[] first, double[][] weights) {
    /// A filter, and how far it reaches.
    enum Filter {
        BILINEAR(1),
        BICUBIC(2);

        private static final double SHARPNESS = -0.5;

        private final double support;

        Filter(double support) {
            this.support = support;
        }

        private double weight(double x) {
            return switch (this) {
                case BILINEAR -> Math.max(0, 1 - Math.abs(x));
                case BICUBIC -> cubic(x);
            };
        }

        private static double cubic(double at) {
            double x = Math.abs(at);
            if (x < 1) {
                return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
            }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * SHARPNESS : 0;
        }
    }

    static Taps of(int from, int to, Filter filter) {
        double scale = (double) from / to;
        double widened = Math.max(scale, 1);
        double support = filter.support * widened;
        int[] first = new int[to];
        double[][] weights = new double[to][];
        for (int i = 0; i < to; i++) {
            double centre = (i + 0.5) * scale;
            first[i] = Math.max((int) (centre - support + 0.5), 0);
            double[] own = new double[Math.min((int) (centre + support + 0.5), from) - first[i]];
            double sum = 0;
            for (int j = 0; j < own.length; j++) {
                own[j] = filter.weight((j + first[i] - centre + 0.5) * (1 / widened));
                sum += own[j];
            }
            for (int j = 0; j < own.length; j++) {
                own[j] /= sum;
            }
            weights[i] = own;
        }
        return new Taps(first, weights);
    }
}
