package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import org.jspecify.annotations.Nullable;

/// What every device asks of the operands of [Kernels] beside the lengths of its own buffers. Each method throws an
/// [IllegalArgumentException] if they do not suit each other.
public final class Operands {
    private Operands() {}

    /// Wants a weight, and a bias if there are any, for each column.
    public static void requireNorm(float[] weight, float @Nullable [] bias, int cols) {
        if (weight.length != cols || (bias != null && bias.length != cols)) {
            throw new IllegalArgumentException("a norm of " + cols + " columns has " + weight.length + " weights"
                    + (bias == null ? "" : " and " + bias.length + " biases"));
        }
    }

    /// Wants a value for each column; `what` names them.
    public static void requireColumns(float[] values, String what, int cols) {
        if (values.length != cols) {
            throw new IllegalArgumentException(values.length + " " + what + " for " + cols + " columns");
        }
    }

    /// Wants a factor for each of `k` rows of `n` tokens.
    public static void requireFactors(float[] factors, int n, int k) {
        if (factors.length < n * k) {
            throw new IllegalArgumentException(
                    n + " tokens with " + k + " rows each have " + factors.length + " factors");
        }
    }

    /// Wants no more of the largest than kernels find.
    public static void requireFew(int k) {
        if (k < 1 || k > Largest.MOST_OF_KERNELS) {
            throw new IllegalArgumentException(
                    "the " + k + " largest, where 1 to " + Largest.MOST_OF_KERNELS + " can be found");
        }
    }

    /// Wants matrices for the same input, and room for the results of `n` rows.
    public static void requireAlike(WeightMatrix[] ws, int n, DeviceBuffer[] outs) {
        for (int i = 0; i < ws.length; i++) {
            if (ws[i].cols() != ws[0].cols() || outs[i].length() < (long) n * ws[i].rows()) {
                throw new IllegalArgumentException("matrix " + i + ", " + ws[i].rows() + " x " + ws[i].cols()
                        + ", does not suit the first or its output of " + outs[i].length() + " floats");
            }
        }
    }

    /// Wants matrices of one shape that is no wider than a head.
    public static void requirePerHead(WeightMatrix[] ws, int headDim) {
        int rows = ws[0].rows();
        int cols = ws[0].cols();
        for (WeightMatrix w : ws) {
            if (w.rows() != rows || w.cols() != cols || cols > headDim) {
                throw new IllegalArgumentException("a matrix of " + w.rows() + " x " + w.cols() + " beside one of "
                        + rows + " x " + cols + ", for heads of " + headDim + " floats");
            }
        }
    }

    /// Wants heads that have all that is rotated.
    public static void requireRotation(RopeTable table, int headDim, int from) {
        if (from < 0 || from + table.rotaryDim() > headDim) {
            throw new IllegalArgumentException("heads of " + headDim + " floats have no " + table.rotaryDim()
                    + " to rotate from number " + from + " on");
        }
    }

    /// Wants a cache of the heads that are attended to.
    public static void requireSuits(KvLayer cache, AttentionShape shape) {
        if (shape.numKvHeads() != cache.numKvHeads() || shape.headDim() != cache.headDim()) {
            throw new IllegalArgumentException("a cache of " + cache.numKvHeads() + " heads of " + cache.headDim()
                    + " floats does not suit " + shape);
        }
    }

    /// Wants a cache of the latents that are attended to.
    public static void requireSuits(LatentLayer cache, LatentShape shape) {
        if (shape.latentDim() != cache.latentDim() || shape.ropeDim() != cache.ropeDim()) {
            throw new IllegalArgumentException("a cache of latents of " + cache.latentDim() + " and keys of "
                    + cache.ropeDim() + " floats does not suit " + shape);
        }
    }

    /// Wants as many taps for each channel, and a bias if there are any.
    public static void requireConvolution(float[] taps, float @Nullable [] bias, int channels) {
        if (taps.length == 0 || taps.length % channels != 0 || (bias != null && bias.length != channels)) {
            throw new IllegalArgumentException("a convolution of " + channels + " channels has " + taps.length + " taps"
                    + (bias == null ? "" : " and " + bias.length + " biases"));
        }
    }

    /// Wants as many rates for each channel.
    public static void requireRates(float[] rates, int channels) {
        if (rates.length == 0 || rates.length % channels != 0) {
            throw new IllegalArgumentException(rates.length + " rates for " + channels + " channels");
        }
    }

    /// Wants a rate for each head.
    public static void requireRates(float[] rates, LinearAttentionShape shape) {
        if (rates.length != shape.numValueHeads()) {
            throw new IllegalArgumentException(rates.length + " rates do not suit " + shape);
        }
    }
}
