package io.moetier.lab.device.simulated;

import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.ExpertBatch;
import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// One launch of a product of weights: what it touches and computes. Several matrices add up.
///
/// Weights count once, rows of activations and results once each. Lanes are those that the emulated driver counts in
/// the kernels of `products.cu`, for each weight, for each row of weights and for each warp that has columns of it; a
/// kernel of several rows takes four at a time, whether they are there or not. One of `rounded.cu` takes 32 or, at the
/// end, sixteen.
final class Products {
    private static final int ROWS_TOGETHER = 4;
    private static final double LANES_OF_ROW = 130;
    private static final double LANES_OF_ROWS = 215;
    private static final double LANES_OF_ROW_AND_WARP = 187;
    private static final double LANES_OF_ROWS_AND_WARP = 388;
    private static final int COLUMNS_OF_WARP = 32; // at least
    private static final int LEAST_WARPS = 2;
    private static final int MOST_WARPS = 8;
    private static final int ROUNDED_TOGETHER = 32;
    private static final int WEIGHTS_TOGETHER = 64; // rows
    private static final double LANES_OF_ROUNDED = 790;
    private static final double LANES_OF_FEW_ROUNDED = 540;
    private static final double SHARE_OF_FEW = 0.7; // what sixteen rows take of the lanes of 32

    private final Rounding rounding;
    private double bytes;
    private double lanes;
    private boolean any;

    Products(Rounding rounding) {
        this.rounding = rounding;
    }

    /// Begins a launch that reads rows of activations with so many bytes together.
    Products begin(double inputBytes) {
        bytes = inputBytes;
        lanes = 0;
        any = false;
        return this;
    }

    /// Adds a matrix times `n` rows.
    ///
    /// @param one whether the kernel for one row does it
    /// @param resultBytes what it writes
    private void add(WeightMatrix w, int n, boolean one, double resultBytes) {
        DType dtype = w.dtype();
        double weights = (double) w.rows() * w.cols();
        int groups = one ? 1 : (n + ROWS_TOGETHER - 1) / ROWS_TOGETHER;
        int warps = Math.clamp(Math.ceilDiv(w.cols(), COLUMNS_OF_WARP), LEAST_WARPS, MOST_WARPS);
        double ofRow =
                one ? LANES_OF_ROW + warps * LANES_OF_ROW_AND_WARP : LANES_OF_ROWS + warps * LANES_OF_ROWS_AND_WARP;
        bytes += w.bytes().byteSize() + resultBytes;
        lanes += groups * (weights * (one ? lanesOfOne(dtype) : lanesOfSeveral(dtype)) + w.rows() * ofRow);
        any = true;
    }

    /// Adds a matrix times `n` rounded rows.
    ///
    /// @param together how many of its rows a block of threads takes
    /// @param otherBytes of activations and results
    private void addRounded(WeightMatrix w, int n, int together, double otherBytes) {
        int rest = n % ROUNDED_TOGETHER;
        int few = rest > 0 && rest <= ROUNDED_TOGETHER / 2 ? 1 : 0;
        int groups = Math.ceilDiv(n, ROUNDED_TOGETHER) - few;
        double rows = (double) together * Math.ceilDiv(w.rows(), together);
        double ofWeight = lanesOfRounded(w.dtype()) * (groups + SHARE_OF_FEW * few);
        bytes += w.bytes().byteSize() + otherBytes;
        lanes += rows * (w.cols() * ofWeight + LANES_OF_ROUNDED * groups + LANES_OF_FEW_ROUNDED * few);
        any = true;
    }

    /// Adds what the launch computes beside the products.
    void addLanes(double more) {
        lanes += more;
    }

    boolean isEmpty() {
        return !any;
    }

    void launch(String kernel, SimulatedTime time) {
        time.launch(kernel, bytes, lanes);
    }

    private static double lanesOfOne(DType dtype) {
        return switch (dtype) {
            case F32 -> 4.1;
            case BF16 -> 4.5;
            case Q8_0 -> 5.6;
            case Q4_0 -> 5.8;
            case F16 -> 6.0;
            case Q6_K -> 7.3;
            case Q5_0 -> 7.4;
            case Q4_1 -> 7.5;
            case Q5_1 -> 8.6;
            case Q4_K -> 8.9;
            case MXFP4 -> 9.7;
            case Q5_K -> 10.1;
            case Q1_0 -> 12.0;
            case IQ4_NL -> 12.3;
            case IQ4_XS -> 12.7;
            case Q2_0 -> 12.9;
            case TQ2_0 -> 13.4;
            case NVFP4 -> 16.8;
            case IQ1_S, TQ1_0 -> 16.9;
            case Q2_K -> 17.1;
            case IQ2_XXS -> 20.8;
            case Q3_K -> 21.0;
            case IQ2_XS -> 21.4;
            case IQ1_M -> 22.0;
            case IQ2_S -> 22.1;
            case IQ3_S -> 25.6;
            case IQ3_XXS -> 26.5;
        };
    }

    private static double lanesOfSeveral(DType dtype) {
        return switch (dtype) {
            case F32 -> 8.6;
            case BF16 -> 9.2;
            case Q8_0 -> 10.4;
            case Q4_0 -> 10.5;
            case F16 -> 10.7;
            case Q5_0, Q6_K -> 11.8;
            case Q4_1 -> 12.2;
            case Q5_1 -> 13.5;
            case MXFP4 -> 14.3;
            case Q4_K -> 14.8;
            case Q5_K -> 16.0;
            case IQ4_NL -> 17.0;
            case IQ4_XS -> 18.1;
            case Q1_0 -> 20.8;
            case Q2_0 -> 21.6;
            case TQ2_0 -> 22.1;
            case Q2_K -> 24.4;
            case TQ1_0 -> 25.3;
            case NVFP4 -> 25.5;
            case IQ1_S -> 25.6;
            case Q3_K -> 28.6;
            case IQ1_M -> 29.0;
            case IQ2_XXS -> 29.5;
            case IQ2_XS -> 30.0;
            case IQ2_S -> 30.9;
            case IQ3_S -> 33.2;
            case IQ3_XXS -> 35.2;
        };
    }

    private static double lanesOfRounded(DType dtype) {
        return switch (dtype) {
            case Q8_0 -> 18.2;
            case Q4_0 -> 18.8;
            case Q5_0 -> 19.4;
            case Q4_1 -> 19.7;
            case IQ4_NL -> 19.9;
            case Q5_1, IQ4_XS -> 20.5;
            case Q4_K -> 21.3;
            case Q6_K -> 22.8;
            case Q5_K -> 22.9;
            case MXFP4 -> 41.3;
            default -> throw new IllegalArgumentException(dtype + " is not multiplied by rounded rows");
        };
    }

    /// Charges the launches of a batch of experts: gate, up and activation of those that are alike, then down of those
    /// of a type.
    void launch(ExpertBatch batch, SimulatedTime time) {
        long listed = 0;
        for (int e = 0; e < batch.size(); e++) {
            listed += batch.n(e) > 1 ? batch.n(e) : 0;
        }
        if (listed > 0) {
            time.send(2 * listed * Integer.BYTES);
        }
        rounding.begin();
        for (int e = 0; e < batch.size(); e++) {
            if (batch.firstAlike(e) == e) {
                activate(batch, e, time);
            }
        }
        rounding.begin();
        for (int e = 0; e < batch.size(); e++) {
            if (batch.firstOfDown(e) == e) {
                down(batch, e, time);
            }
        }
    }

    private void activate(ExpertBatch batch, int first, SimulatedTime time) {
        ExpertWeights expert = batch.get(first);
        if (!isSeparate(expert)) {
            multiply(batch, first, true, true, time, expert.gate() == null ? "multiply" : "multiply_gated");
            return;
        }
        multiply(batch, first, true, false, time, "multiply");
        multiply(batch, first, false, true, time, "multiply");
        time.launch("activate_pairs", 0, 0);
    }

    private void multiply(
            ExpertBatch batch, int first, boolean activated, boolean up, SimulatedTime time, String kernel) {
        DType dtype =
                (activated ? batch.get(first).activated() : batch.get(first).up()).dtype();
        boolean rounds = rounding.rounds(dtype, batch.tokens());
        if (rounds && rounding.isDue(dtype)) {
            roundInputs(batch, dtype, time);
        }
        boolean one = mostRows(batch, first) == 1;
        begin(0);
        for (int e = first; e < batch.size(); e++) {
            ExpertWeights each = batch.get(e);
            if (each.isAlike(batch.get(first))) {
                boolean both = activated && up && each.gate() != null;
                int n = batch.n(e);
                double results = (double) Float.BYTES * n * each.up().rows();
                double inputs = inputBytes(dtype, rounds, (double) n * each.up().cols());
                if (activated) {
                    add(each.activated(), n, one, rounds, both, results + inputs);
                }
                if (up && each.gate() != null) {
                    add(each.up(), n, one, rounds, both, activated ? 0 : results + inputs);
                }
            }
        }
        launch(kernel, time);
    }

    /// Adds a matrix as one of the other methods.
    ///
    /// @param beside whether a block of threads has as many rows of another matrix
    void add(WeightMatrix w, int n, boolean one, boolean rounds, boolean beside, double otherBytes) {
        if (rounds) {
            addRounded(w, n, beside ? WEIGHTS_TOGETHER / 2 : WEIGHTS_TOGETHER, otherBytes);
        } else {
            add(w, n, one, otherBytes);
        }
    }

    /// Returns the bytes of so many activations as weights of a type read them.
    static double inputBytes(DType dtype, boolean rounded, double floats) {
        return rounded ? Rounding.bytes(dtype, floats) : Float.BYTES * floats;
    }

    private void roundInputs(ExpertBatch batch, DType dtype, SimulatedTime time) {
        BitSet rows = new BitSet();
        for (int e = 0; e < batch.size(); e++) {
            for (int i = batch.from(e); i < batch.from(e) + batch.n(e); i++) {
                rows.set(batch.rows()[i]);
            }
        }
        if (rows.cardinality() < rows.length()) {
            time.send((long) Integer.BYTES * rows.cardinality());
        }
        rounding.launch(dtype, (double) rows.cardinality() * batch.get(0).up().cols());
    }

    /// What experts have between gate and down follows each other, unless one of them is not rounded.
    private void roundHidden(ExpertBatch batch, DType dtype) {
        double floats = 0;
        for (int e = 0; e < batch.size(); e++) {
            DType down = batch.get(e).down().dtype();
            boolean together = rounding.rounds(down, batch.tokens())
                    && ActivationType.digits(down) == ActivationType.digits(dtype);
            if (together) {
                floats += (double) batch.n(e) * batch.get(e).down().cols();
            } else if (floats > 0) {
                rounding.launch(dtype, floats);
                floats = 0;
            }
        }
        if (floats > 0) {
            rounding.launch(dtype, floats);
        }
    }

    private void down(ExpertBatch batch, int first, SimulatedTime time) {
        DType dtype = batch.get(first).down().dtype();
        boolean rounds = rounding.rounds(dtype, batch.tokens());
        if (rounds && rounding.isDue(dtype)) {
            roundHidden(batch, dtype);
        }
        boolean one = mostRows(batch, first) == 1;
        begin(0);
        for (int e = first; e < batch.size(); e++) {
            WeightMatrix down = batch.get(e).down();
            if (down.dtype() == dtype) {
                int n = batch.n(e);
                double inputs = inputBytes(dtype, rounds, (double) n * down.cols());
                add(down, n, one, rounds, false, inputs + (double) Float.BYTES * n * down.rows());
            }
        }
        launch("multiply", time);
    }

    private static int mostRows(ExpertBatch batch, int first) {
        int most = 0;
        for (int e = first; e < batch.size(); e++) {
            most = Math.max(most, batch.n(e));
        }
        return most;
    }

    private static boolean isSeparate(ExpertWeights expert) {
        @Nullable WeightMatrix gate = expert.gate();
        return gate != null && gate.dtype() != expert.up().dtype();
    }
}
