package io.moetier.kernels.cpu.nativecode;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
import io.moetier.kernels.cpu.arithmetic.PackedColumns;
import io.moetier.kernels.cpu.arithmetic.PlainArithmetic;
import io.moetier.kernels.cpu.arithmetic.Results;
import io.moetier.kernels.cpu.arithmetic.Scratch;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.kernels.tensor.RandomMatrix;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;

/// Compares an arithmetic with plain loops on small operands, always the same: what a compiler or a
/// processor gets wrong is found at the start, and not in the answers of a model.
final class SelfTest {
    private static final long SEED = 3;
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final int LEAST_COLS = 64;

    /// Some kernels take eight or sixteen columns together, and others of what remains.
    private static final int COLUMNS = 17;

    private static final int LENGTH = 100;
    private static final int HEAD_DIM = 40;
    private static final int POSITIONS = 270;
    private static final int LATENT_DIM = 43;
    private static final int ROPE_DIM = 6;
    private static final int QUERIES = 9;
    private static final float EPS = 1e-5f;

    /// Of the largest result: float32 sums of 256 terms, a tenth of which is left when they are added, are off by less
    /// than a thousand roundings.
    private static final double TOLERANCE = 1e-4;

    /// Activations are whole multiples of this, of which there are 127 in the largest of each 32. So those of eight
    /// bits are exact. MXFP4 is given others as well, for which eight bits are not enough.
    private static final float UNIT = 0x1p-7f;

    private static final int BLOCK = 32;

    private final Arithmetic tested;
    private final Predicate<DType> types;
    private final Arithmetic plain = new PlainArithmetic();
    private final Scratch scratch = new Scratch();
    private final Random random = new Random(SEED);

    /// @param types which weights are multiplied
    SelfTest(Arithmetic tested, Predicate<DType> types) {
        this.tested = tested;
        this.types = types;
    }

    /// Returns what is wrong, if something is: part of a sentence.
    Optional<String> objection() {
        for (DType dtype : DType.values()) {
            if (types.test(dtype) && !multiplies(dtype)) {
                return Optional.of("they multiply " + dtype.label() + " weights wrongly here");
            }
        }
        if (!activates()) {
            return Optional.of("they compute swiglu wrongly here");
        }
        if (!normalises()) {
            return Optional.of("they compute norms wrongly here");
        }
        for (KvType type : KvType.values()) {
            if (!attends(type)) {
                return Optional.of("they attend wrongly here");
            }
            if (!attendsToLatents(type)) {
                return Optional.of("they attend to latents wrongly here");
            }
        }
        return Optional.empty();
    }

    private boolean multiplies(DType dtype) {
        try (Arena arena = Arena.ofConfined()) {
            WeightMatrix w = matrix(dtype, arena);
            float[] x = activations(COLUMNS * w.cols());
            if (dtype == DType.MXFP4) {
                refine(x);
            }
            float[] expected = product(plain, w, x, COLUMNS);
            return agree(expected, product(tested, w, x, COLUMNS))
                    && agree(Arrays.copyOf(expected, ROWS), product(tested, w, x, 1));
        }
    }

    private float[] product(Arithmetic arithmetic, WeightMatrix w, float[] x, int n) {
        PackedColumns columns = new PackedColumns();
        arithmetic.reserve(w.dtype(), w.cols(), n, columns);
        for (int column = 0; column < n; column++) {
            arithmetic.pack(w.dtype(), x, column * w.cols(), columns, column);
        }
        float[] y = new float[n * ROWS];
        arithmetic.multiply(w, 0, 1, columns, scratch.results.dense(y, 0, 0, n, ROWS), scratch);
        return y;
    }

    private boolean activates() {
        float[] gate = activations(LENGTH);
        float[] expected = gate.clone();
        float[] up = activations(LENGTH);
        Results ups = scratch.otherResults.only(up, 0);
        plain.swiGlu(scratch.results.only(expected, 0), ups, LENGTH, scratch);
        tested.swiGlu(scratch.results.only(gate, 0), ups, LENGTH, scratch);
        return agree(expected, gate);
    }

    private boolean normalises() {
        float[] x = activations(LENGTH);
        float[] weight = activations(LENGTH);
        float[] expected = new float[LENGTH];
        plain.rmsNorm(x, 0, 1, LENGTH, weight, EPS, expected, scratch);
        tested.rmsNorm(x, 0, 1, LENGTH, weight, EPS, x, scratch);
        return agree(expected, x);
    }

    /// Two heads share a key head; of the positions, which reach into a second chunk, the last few are asked about.
    private boolean attends(KvType type) {
        AttentionShape shape =
                new AttentionShape(2, 1, HEAD_DIM, 1f / HEAD_DIM, 0).withSinks(new AttentionSinks(activations(2)));
        try (Arena arena = Arena.ofConfined()) {
            KvLayer cache = new KvLayer(arena, type, POSITIONS, 1, HEAD_DIM);
            cache.reserve(POSITIONS);
            for (int position = 0; position < POSITIONS; position++) {
                cache.store(position, 0, activations(HEAD_DIM), 0, activations(HEAD_DIM), 0);
            }
            float[] q = activations(QUERIES * 2 * HEAD_DIM);
            float[] expected = new float[q.length];
            float[] found = new float[q.length];
            int first = POSITIONS - QUERIES;
            plain.attend(q, 0, QUERIES, 2, first, shape, cache, 0, expected, scratch);
            tested.attend(q, 0, QUERIES, 2, first, shape, cache, 0, found, scratch);
            return agree(expected, found);
        }
    }

    /// Three heads, and latents of a length that is no multiple of anything.
    private boolean attendsToLatents(KvType type) {
        LatentShape shape = new LatentShape(3, 1, ROPE_DIM, LATENT_DIM, 1f / LATENT_DIM);
        try (Arena arena = Arena.ofConfined()) {
            LatentLayer cache = new LatentLayer(arena, type, POSITIONS, LATENT_DIM, ROPE_DIM);
            cache.reserve(POSITIONS);
            for (int position = 0; position < POSITIONS; position++) {
                cache.store(position, activations(LATENT_DIM), 0, activations(ROPE_DIM), 0);
            }
            float[] absorbed = activations(shape.numHeads() * LATENT_DIM);
            float[] q = activations(shape.numHeads() * shape.queryDim());
            float[] expected = new float[absorbed.length];
            float[] found = new float[absorbed.length];
            plain.attendLatents(absorbed, 0, q, 0, 3, POSITIONS - 1, shape, cache, expected, scratch);
            tested.attendLatents(absorbed, 0, q, 0, 3, POSITIONS - 1, shape, cache, found, scratch);
            return agree(expected, found);
        }
    }

    private static boolean agree(float[] expected, float[] found) {
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(expected[i] - found[i]) <= TOLERANCE * largest)) { // false for NaN
                return false;
            }
        }
        return true;
    }

    private float[] activations(int length) {
        float[] floats = new float[length];
        for (int i = 0; i < length; i++) {
            floats[i] = UNIT * (i % BLOCK == 0 ? 127 : random.nextInt(-127, 128));
        }
        return floats;
    }

    private void refine(float[] x) {
        for (int i = 0; i < x.length; i++) {
            x[i] += UNIT * (random.nextFloat() - 0.5f);
        }
    }

    private WeightMatrix matrix(DType dtype, Arena arena) {
        int cols = Math.max(LEAST_COLS, dtype.blockElements());
        return RandomMatrix.of(dtype, ROWS, cols, random, arena);
    }
}
