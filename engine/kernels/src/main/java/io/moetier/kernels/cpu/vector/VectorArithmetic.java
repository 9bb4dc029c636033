package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.Lanes;
import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.PlainArithmetic;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import jdk.incubator.vector.FloatVector;

/// The Vector API. Everything is float32; sums over a vector's lanes are taken in a fixed order, so that
/// results are the same cold and warm.
public final class VectorArithmetic implements Arithmetic {
    private static final int BLOCK = Scratch.EXPONENTIALS;

    private final PlainArithmetic plain = new PlainArithmetic();

    @Override
    public String description() {
        return "Vector API, " + F.vectorBitSize() + " bits";
    }

    @Override
    public boolean rounds(DType dtype) {
        return VectorColumns.rounds(dtype);
    }

    @Override
    public void reserve(DType dtype, int cols, int n, PackedColumns to) {
        if (hasKernel(dtype)) {
            VectorColumns.reserve(dtype, cols, n, to);
        } else {
            plain.reserve(dtype, cols, n, to);
        }
    }

    @Override
    public void pack(DType dtype, float[] x, int xAt, PackedColumns to, int column) {
        if (hasKernel(dtype)) {
            VectorColumns.pack(dtype, x, xAt, to, column);
        } else {
            plain.pack(dtype, x, xAt, to, column);
        }
    }

    @Override
    public void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch) {
        if (!hasKernel(w.dtype())) {
            plain.multiply(w, from, to, x, y, scratch);
        } else if (x.n > 1) {
            VectorGemm.multiply(w, from, to, x, y, scratch);
        } else {
            VectorGemv.multiply(w, from, to, x, y.floats, y.at(0), scratch);
        }
    }

    /// Says whether there are kernels for a type; others are multiplied by plain loops.
    private static boolean hasKernel(DType dtype) {
        return switch (dtype) {
            case Q2_K, Q3_K -> false;
            case NVFP4, Q1_0, Q2_0, TQ1_0, TQ2_0, IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S -> false;
            default -> true;
        };
    }

    @Override
    public void swiGlu(Results gate, Results up, int length, Scratch scratch) {
        for (int column = gate.firstColumn; column < gate.lastColumn; column++) {
            swiGlu(gate.floats, gate.at(column), up.floats, up.at(column), length, scratch);
        }
    }

    private static void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int length, Scratch scratch) {
        for (int from = 0; from < length; from += BLOCK) {
            int count = Math.min(BLOCK, length - from);
            Lanes.exp(gate, gateAt + from, count, -1f, 0f, scratch.exponentials, 0);
            activate(gate, gateAt + from, up, upAt + from, scratch.exponentials, count);
        }
    }

    private static void activate(float[] gate, int gateAt, float[] up, int upAt, float[] exponentials, int count) {
        for (int i = 0; i < count; i++) {
            gate[gateAt + i] = gate[gateAt + i] / (1f + exponentials[i]) * up[upAt + i];
        }
    }

    @Override
    public void rmsNorm(
            float[] x, int at, int rows, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
        for (int row = 0; row < rows; row++) {
            rmsNorm(x, at + row * cols, cols, weight, eps, out, scratch);
        }
    }

    private static void rmsNorm(float[] x, int at, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
        float factor = (float) (1 / Math.sqrt((double) sumOfSquares(x, at, cols, scratch) / cols + eps));
        for (int i = 0; i < cols; i++) {
            out[at + i] = x[at + i] * factor * weight[i];
        }
    }

    private static float sumOfSquares(float[] x, int at, int cols, Scratch scratch) {
        int whole = cols / (2 * WIDTH) * 2 * WIDTH;
        FloatVector even = FloatVector.zero(F);
        FloatVector odd = even;
        for (int i = 0; i < whole; i += 2 * WIDTH) {
            FloatVector a = FloatVector.fromArray(F, x, at + i);
            FloatVector b = FloatVector.fromArray(F, x, at + i + WIDTH);
            even = a.fma(a, even);
            odd = b.fma(b, odd);
        }
        even.add(odd).intoArray(scratch.lanes, 0);
        float sum = Lanes.sum(scratch.lanes);
        for (int i = whole; i < cols; i++) {
            sum = Math.fma(x[at + i], x[at + i], sum);
        }
        return sum;
    }

    @Override
    public void attend(
            float[] q,
            int at,
            int rows,
            int heads,
            int position,
            AttentionShape shape,
            KvLayer cache,
            int kvHead,
            float[] out,
            Scratch scratch) {
        VectorAttention.attend(q, at, rows, heads, position, shape, cache, kvHead, out, scratch);
    }

    @Override
    public void attendLatents(
            float[] absorbed,
            int at,
            float[] q,
            int qAt,
            int heads,
            int position,
            LatentShape shape,
            LatentLayer cache,
            float[] out,
            Scratch scratch) {
        LatentBlock block = scratch.latents;
        block.begin(absorbed, at, q, qAt, heads, shape);
        VectorLatents.look(block, cache, position + 1);
        block.finish(out, at);
    }
}
