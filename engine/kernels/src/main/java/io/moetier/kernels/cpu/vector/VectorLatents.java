package io.moetier.kernels.cpu.vector;

import static io.moetier.kernels.cpu.arithmetic.Lanes.F;
import static io.moetier.kernels.cpu.arithmetic.Lanes.WIDTH;
import static io.moetier.kernels.cpu.arithmetic.LatentBlock.HEADS;
import static io.moetier.kernels.cpu.arithmetic.LatentBlock.POSITIONS;

import io.moetier.kernels.cpu.arithmetic.LatentBlock;
import io.moetier.kernels.device.LatentLayer;
import jdk.incubator.vector.FloatVector;

/// Latent attention of sixteen heads over thirty-two positions at a time: every score, and every element of the
/// result, is one chain of additions in the order of elements or positions, and sums are rescaled at multiples of
/// thirty-two positions.
///
/// The running softmax: Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135.
final class VectorLatents {
    /// Positions, or elements of a latent, whose sums fit into registers.
    private static final int TOGETHER = 8;

    private VectorLatents() {}

    /// Computes the attention of the heads to the first `count` positions.
    static void look(LatentBlock block, LatentLayer cache, int count) {
        for (int position = 0; position < count; position += POSITIONS) {
            int inFront = Math.min(POSITIONS, count - position);
            block.read(cache, position, inFront);
            scores(block, inFront);
            block.softmax(inFront);
            addLatents(block, inFront);
        }
    }

    private static void scores(LatentBlock block, int count) {
        for (int lane = 0; lane < HEADS; lane += WIDTH) {
            int position = 0;
            for (; position <= count - TOGETHER; position += TOGETHER) {
                scoresOfEight(
                        block.decoded,
                        position * block.keyDim,
                        block.keyDim,
                        block.q,
                        lane,
                        block.scale,
                        block.weights,
                        position * HEADS + lane);
            }
            for (; position < count; position++) {
                scoresOfOne(
                        block.decoded,
                        position * block.keyDim,
                        block.keyDim,
                        block.q,
                        lane,
                        block.scale,
                        block.weights,
                        position * HEADS + lane);
            }
        }
    }

    private static void scoresOfEight(
            float[] keys, int at, int keyDim, float[] q, int lane, float scale, float[] scores, int to) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (int d = 0; d < keyDim; d++) {
            FloatVector e = FloatVector.fromArray(F, q, d * HEADS + lane);
            a0 = FloatVector.broadcast(F, keys[at + d]).fma(e, a0);
            a1 = FloatVector.broadcast(F, keys[at + keyDim + d]).fma(e, a1);
            a2 = FloatVector.broadcast(F, keys[at + 2 * keyDim + d]).fma(e, a2);
            a3 = FloatVector.broadcast(F, keys[at + 3 * keyDim + d]).fma(e, a3);
            a4 = FloatVector.broadcast(F, keys[at + 4 * keyDim + d]).fma(e, a4);
            a5 = FloatVector.broadcast(F, keys[at + 5 * keyDim + d]).fma(e, a5);
            a6 = FloatVector.broadcast(F, keys[at + 6 * keyDim + d]).fma(e, a6);
            a7 = FloatVector.broadcast(F, keys[at + 7 * keyDim + d]).fma(e, a7);
        }
        a0.mul(scale).intoArray(scores, to);
        a1.mul(scale).intoArray(scores, to + HEADS);
        a2.mul(scale).intoArray(scores, to + 2 * HEADS);
        a3.mul(scale).intoArray(scores, to + 3 * HEADS);
        a4.mul(scale).intoArray(scores, to + 4 * HEADS);
        a5.mul(scale).intoArray(scores, to + 5 * HEADS);
        a6.mul(scale).intoArray(scores, to + 6 * HEADS);
        a7.mul(scale).intoArray(scores, to + 7 * HEADS);
    }

    private static void scoresOfOne(
            float[] keys, int at, int keyDim, float[] q, int lane, float scale, float[] scores, int to) {
        FloatVector a = FloatVector.zero(F);
        for (int d = 0; d < keyDim; d++) {
            a = FloatVector.broadcast(F, keys[at + d]).fma(FloatVector.fromArray(F, q, d * HEADS + lane), a);
        }
        a.mul(scale).intoArray(scores, to);
    }

    private static void addLatents(LatentBlock block, int count) {
        for (int lane = 0; lane < HEADS; lane += WIDTH) {
            int d = 0;
            for (; d <= block.latentDim - TOGETHER; d += TOGETHER) {
                addEight(block.decoded, d, block.keyDim, count, block.weights, lane, block.sums, d * HEADS + lane);
            }
            for (; d < block.latentDim; d++) {
                addOne(block.decoded, d, block.keyDim, count, block.weights, lane, block.sums, d * HEADS + lane);
            }
        }
    }

    private static void addEight(
            float[] latents, int at, int keyDim, int count, float[] weights, int lane, float[] sums, int to) {
        FloatVector a0 = FloatVector.fromArray(F, sums, to);
        FloatVector a1 = FloatVector.fromArray(F, sums, to + HEADS);
        FloatVector a2 = FloatVector.fromArray(F, sums, to + 2 * HEADS);
        FloatVector a3 = FloatVector.fromArray(F, sums, to + 3 * HEADS);
        FloatVector a4 = FloatVector.fromArray(F, sums, to + 4 * HEADS);
        FloatVector a5 = FloatVector.fromArray(F, sums, to + 5 * HEADS);
        FloatVector a6 = FloatVector.fromArray(F, sums, to + 6 * HEADS);
        FloatVector a7 = FloatVector.fromArray(F, sums, to + 7 * HEADS);
        for (int position = 0; position < count; position++) {
            FloatVector w = FloatVector.fromArray(F, weights, position * HEADS + lane);
            int row = position * keyDim + at;
            a0 = FloatVector.broadcast(F, latents[row]).fma(w, a0);
            a1 = FloatVector.broadcast(F, latents[row + 1]).fma(w, a1);
            a2 = FloatVector.broadcast(F, latents[row + 2]).fma(w, a2);
            a3 = FloatVector.broadcast(F, latents[row + 3]).fma(w, a3);
            a4 = FloatVector.broadcast(F, latents[row + 4]).fma(w, a4);
            a5 = FloatVector.broadcast(F, latents[row + 5]).fma(w, a5);
            a6 = FloatVector.broadcast(F, latents[row + 6]).fma(w, a6);
            a7 = FloatVector.broadcast(F, latents[row + 7]).fma(w, a7);
        }
        a0.intoArray(sums, to);
        a1.intoArray(sums, to + HEADS);
        a2.intoArray(sums, to + 2 * HEADS);
        a3.intoArray(sums, to + 3 * HEADS);
        a4.intoArray(sums, to + 4 * HEADS);
        a5.intoArray(sums, to + 5 * HEADS);
        a6.intoArray(sums, to + 6 * HEADS);
        a7.intoArray(sums, to + 7 * HEADS);
    }

    private static void addOne(
            float[] latents, int at, int keyDim, int count, float[] weights, int lane, float[] sums, int to) {
        FloatVector a = FloatVector.fromArray(F, sums, to);
        for (int position = 0; position < count; position++) {
            a = FloatVector.broadcast(F, latents[position * keyDim + at])
                    .fma(FloatVector.fromArray(F, weights, position * HEADS + lane), a);
        }
        a.intoArray(sums, to);
    }
}
