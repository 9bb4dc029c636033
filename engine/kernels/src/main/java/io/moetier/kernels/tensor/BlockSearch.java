package io.moetier.kernels.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Looks for the scale and offset with which whole numbers `q` come closest to the values of a block, in the sum of the
/// squares of `x - (scale * q + offset)`, each times what the column counts.
///
/// As in the reference quantisers of ggml, the values are rounded with each of some guesses, and the scale and offset
/// that suit the rounded values best are then a matter of least squares. Other than there every value counts the same
/// unless importances are given, and the best guess is rounded and solved again.
///
/// Blocks lie side by side, element `k` of block `b` at `k * n + b`, and every step is one plain loop over all of them
/// with one result, since only such loops become vector code; they take a fifth of the time. Not thread-safe.
final class BlockSearch {
    /// Added to a float below 2^22 and taken off again, rounds it to a whole number.
    private static final float ROUNDING = 0x1.8p23f;

    /// A block with a smaller range is zero: its scale would be no float16.
    private static final float NOTHING = 0x1p-60f;

    private final int length;
    private final float lo;
    private final float hi;
    private final float[] x = new float[RowEncoder.STRIP];
    private final float[] q = new float[RowEncoder.STRIP];
    private final float[] weights = new float[RowEncoder.STRIP];
    private final float[] weighted = new float[RowEncoder.STRIP];
    private final float[] terms = new float[RowEncoder.STRIP];
    private final float[] upperTerms = new float[RowEncoder.STRIP / 2];
    private final float[] spreadInverses = new float[RowEncoder.STRIP];
    private final float[] spreadOrigins = new float[RowEncoder.STRIP];
    private final float[] spreadScales = new float[RowEncoder.STRIP];
    private final float[] totals;
    private final float[] sums;
    private final float[] squares;
    private final float[] least;
    private final float[] largest;
    private final float[] inverses;
    private final float[] origins;
    private final float[] sumsOfQ;
    private final float[] squaresOfQ;
    private final float[] products;
    private final float[] leastErrors;
    private final float[] errors;
    private final float[] scales;
    private final float[] offsets;
    private float @Nullable [] importance;
    private int firstColumn;
    private int n;

    /// @param length values of a block
    /// @param lo the smallest `q`
    /// @param hi the largest `q`
    BlockSearch(int length, int lo, int hi) {
        this.length = length;
        this.lo = lo;
        this.hi = hi;
        int most = RowEncoder.STRIP / length;
        totals = new float[most];
        sums = new float[most];
        squares = new float[most];
        least = new float[most];
        largest = new float[most];
        inverses = new float[most];
        origins = new float[most];
        sumsOfQ = new float[most];
        squaresOfQ = new float[most];
        products = new float[most];
        leastErrors = new float[most];
        errors = new float[most];
        scales = new float[most];
        offsets = new float[most];
    }

    /// Returns the scale found for each block.
    float[] scales() {
        return scales;
    }

    /// Returns the offset found for each block.
    float[] offsets() {
        return offsets;
    }

    /// Has the columns from `from` on, of which values are loaded next, count as much as these say.
    void weigh(float[] importance, int from) {
        this.importance = importance;
        firstColumn = from;
    }

    /// Takes the blocks among the first `count` values, and returns how many they are.
    int load(float[] values, int count) {
        n = count / length;
        for (int b = 0; b < n; b++) {
            survey(values, b);
        }
        if (importance != null) {
            spreadImportance(importance, count);
        }
        sumUp(x, sums, count);
        if (importance == null) {
            Arrays.fill(totals, 0, n, length);
            multiply(x, x, terms, count);
        } else {
            System.arraycopy(weights, 0, terms, 0, count);
            sumTerms(totals);
            multiply(weights, x, weighted, count);
            multiply(weighted, x, terms, count);
        }
        sumTerms(squares);
        return n;
    }

    private void spreadImportance(float[] importance, int count) {
        for (int i = 0; i < count; i++) {
            weights[i % length * n + i / length] = importance[firstColumn + i];
        }
    }

    /// Sums the numbers of each block, times what they count.
    private void sumUp(float[] numbers, float[] to, int count) {
        if (importance == null) {
            System.arraycopy(numbers, 0, terms, 0, count);
        } else {
            multiply(numbers, weights, terms, count);
        }
        sumTerms(to);
    }

    private void survey(float[] values, int b) {
        float smallest = 0;
        float greatest = 0;
        for (int k = 0; k < length; k++) {
            float v = values[b * length + k];
            x[k * n + b] = v;
            if (v < smallest) { // seldom, where the minimum of two floats takes a long chain of steps
                smallest = v;
            } else if (v > greatest) {
                greatest = v;
            }
        }
        least[b] = smallest;
        largest[b] = greatest;
    }

    /// Sums the terms of each block, halving their number.
    private void sumTerms(float[] to) {
        for (int half = n * length / 2; half >= n; half /= 2) {
            System.arraycopy(terms, half, upperTerms, 0, half);
            add(terms, upperTerms, half);
        }
        System.arraycopy(terms, 0, to, 0, n);
    }

    private static void add(float[] a, float[] b, int count) {
        for (int i = 0; i < count; i++) {
            a[i] += b[i];
        }
    }

    private static void multiply(float[] a, float[] b, float[] products, int count) {
        for (int i = 0; i < count; i++) {
            products[i] = a[i] * b[i];
        }
    }

    /// Repeats the numbers of the blocks for every element.
    private void spread(float[] numbers, float[] to) {
        System.arraycopy(numbers, 0, to, 0, n);
        for (int known = n; known < n * length; known *= 2) {
            System.arraycopy(to, 0, to, known, known);
        }
    }

    /// Finds scales of either sign, with offsets of zero. A guess is what the value of largest magnitude becomes.
    void findScales(float... guesses) {
        forget();
        Arrays.fill(origins, 0f);
        for (float guess : guesses) {
            for (int b = 0; b < n; b++) {
                float peak = -least[b] > largest[b] ? least[b] : largest[b];
                inverses[b] = Math.abs(peak) < NOTHING ? 0 : guess / peak;
            }
            fit();
            solveScales();
        }
        aim(scales, offsets);
        fit();
        solveScales();
    }

    /// Finds positive scales, and offsets that are not. A guess is what the range of the values and zero becomes.
    void findScalesAndOffsets(float... guesses) {
        forget();
        for (float guess : guesses) {
            for (int b = 0; b < n; b++) {
                float range = largest[b] - least[b];
                inverses[b] = range < NOTHING ? 0 : guess / range;
                origins[b] = least[b];
            }
            fit();
            solveScalesAndOffsets();
        }
        aim(scales, offsets);
        fit();
        solveScalesAndOffsets();
    }

    private void forget() {
        Arrays.fill(scales, 0f);
        Arrays.fill(offsets, 0f);
        System.arraycopy(squares, 0, leastErrors, 0, n);
    }

    /// Takes scales and offsets as the next guess.
    private void aim(float[] scales, float[] offsets) {
        for (int b = 0; b < n; b++) {
            inverses[b] = Math.abs(scales[b]) < NOTHING ? 0 : 1 / scales[b];
            origins[b] = offsets[b];
        }
    }

    /// Rounds with the guess, and sums up what is needed to solve for scale and offset.
    private void fit() {
        round();
        sumUp(q, sumsOfQ, n * length);
        float[] counted = q;
        if (importance != null) {
            multiply(q, weights, weighted, n * length);
            counted = weighted;
        }
        multiply(counted, q, terms, n * length);
        sumTerms(squaresOfQ);
        multiply(x, counted, terms, n * length);
        sumTerms(products);
    }

    private void round() {
        spread(inverses, spreadInverses);
        spread(origins, spreadOrigins);
        round(x, spreadInverses, spreadOrigins, lo, hi, q, n * length);
    }

    private static void round(float[] x, float[] inverses, float[] origins, float lo, float hi, float[] q, int count) {
        for (int i = 0; i < count; i++) {
            q[i] = Math.max(lo, Math.min(hi, (x[i] - origins[i]) * inverses[i])) + ROUNDING - ROUNDING;
        }
    }

    private void solveScales() {
        for (int b = 0; b < n; b++) {
            float scale = squaresOfQ[b] == 0 ? 0 : products[b] / squaresOfQ[b];
            keep(b, scale, 0);
        }
    }

    private void solveScalesAndOffsets() {
        for (int b = 0; b < n; b++) {
            float determinant = totals[b] * squaresOfQ[b] - sumsOfQ[b] * sumsOfQ[b];
            float scale = (totals[b] * products[b] - sums[b] * sumsOfQ[b]) / determinant;
            float offset = (squaresOfQ[b] * sums[b] - sumsOfQ[b] * products[b]) / determinant;
            if (determinant > 0 && scale > 0 && offset <= 0) {
                keep(b, scale, offset);
            } else if (squaresOfQ[b] > 0) {
                keep(b, Math.max(0, products[b] / squaresOfQ[b]), 0);
            }
        }
    }

    /// Keeps a solution, for which the error has a short form, if it is the best so far.
    private void keep(int b, float scale, float offset) {
        float error = squares[b] - scale * products[b] - offset * sums[b];
        if (error < leastErrors[b]) {
            leastErrors[b] = error;
            scales[b] = scale;
            offsets[b] = offset;
        }
    }

    /// Returns the sum of squares of each block's errors with these scales and offsets.
    float[] errors(float[] scales, float[] offsets) {
        aim(scales, offsets);
        round();
        spread(scales, spreadScales);
        square(x, spreadOrigins, spreadScales, q, terms, n * length);
        if (importance != null) {
            multiply(terms, weights, terms, n * length);
        }
        sumTerms(errors);
        return errors;
    }

    private static void square(float[] x, float[] offsets, float[] scales, float[] q, float[] squares, int count) {
        for (int i = 0; i < count; i++) {
            float error = x[i] - offsets[i] - scales[i] * q[i];
            squares[i] = error * error;
        }
    }

    /// Rounds with these scales and offsets: `q` of block after block, less the smallest `q`, to `to`.
    void round(float[] scales, float[] offsets, byte[] to) {
        aim(scales, offsets);
        round();
        for (int b = 0; b < n; b++) {
            for (int k = 0; k < length; k++) {
                to[b * length + k] = (byte) (q[k * n + b] - lo);
            }
        }
    }
}
