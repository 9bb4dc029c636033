package io.moetier.cli.perplexity;

/// The mean of many values and the standard error of that mean.
final class Mean {
    private long count;
    private double sum;
    private double squares;

    void add(double value) {
        count++;
        sum += value;
        squares += value * value;
    }

    long count() {
        return count;
    }

    double value() {
        return sum / count;
    }

    /// Returns the standard error; of fewer than two values there is none, which is 0.
    double error() {
        double variance = squares / count - value() * value();
        return count < 2 || variance < 0 ? 0 : Math.sqrt(variance / (count - 1));
    }
}
