package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.cpu.arithmetic.Arithmetic;
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
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SelfTestTest {
    @Test
    void rightResultsPass() {
        assertEquals(Optional.empty(), new SelfTest(new PlainArithmetic(), _ -> true).objection());
        assertEquals(
                Optional.empty(), new SelfTest(new Wrong(null, false, false, false, false), _ -> true).objection());
    }

    @Test
    void aWrongProductIsFoundInEveryType() {
        for (DType dtype : DType.values()) {
            assertEquals(
                    Optional.of("they multiply " + dtype.label() + " weights wrongly here"),
                    new SelfTest(new Wrong(dtype, false, false, false, false), _ -> true).objection());
        }
    }

    @Test
    void aWrongActivationNormOrAttentionIsFound() {
        assertEquals(
                Optional.of("they compute swiglu wrongly here"),
                new SelfTest(new Wrong(null, true, false, false, false), dtype -> false).objection());
        assertEquals(
                Optional.of("they compute norms wrongly here"),
                new SelfTest(new Wrong(null, false, true, false, false), dtype -> false).objection());
        assertEquals(
                Optional.of("they attend wrongly here"),
                new SelfTest(new Wrong(null, false, false, true, false), dtype -> false).objection());
        assertEquals(
                Optional.of("they attend to latents wrongly here"),
                new SelfTest(new Wrong(null, false, false, false, true), dtype -> false).objection());
    }

    /// Plain loops that get one number of a row wrong, in what they are told to.
    private record Wrong(
            @org.jspecify.annotations.Nullable DType dtype,
            boolean activates,
            boolean normalises,
            boolean attends,
            boolean attendsToLatents)
            implements Arithmetic {
        private static final Arithmetic PLAIN = new PlainArithmetic();

        @Override
        public String description() {
            return "wrong";
        }

        @Override
        public boolean rounds(DType type) {
            return PLAIN.rounds(type);
        }

        @Override
        public void reserve(DType type, int cols, int n, PackedColumns to) {
            PLAIN.reserve(type, cols, n, to);
        }

        @Override
        public void pack(DType type, float[] x, int xAt, PackedColumns to, int column) {
            PLAIN.pack(type, x, xAt, to, column);
        }

        @Override
        public void multiply(WeightMatrix w, int from, int to, PackedColumns x, Results y, Scratch scratch) {
            PLAIN.multiply(w, from, to, x, y, scratch);
            if (w.dtype() == dtype) {
                int at = y.at(0) + 7;
                y.floats[at] = -y.floats[at];
            }
        }

        @Override
        public void swiGlu(Results gate, Results up, int length, Scratch scratch) {
            PLAIN.swiGlu(gate, up, length, scratch);
            gate.floats[gate.at(0)] = activates ? Float.NaN : gate.floats[gate.at(0)];
        }

        @Override
        public void rmsNorm(
                float[] x, int at, int rows, int cols, float[] weight, float eps, float[] out, Scratch scratch) {
            PLAIN.rmsNorm(x, at, rows, cols, weight, eps, out, scratch);
            out[at] *= normalises ? 1.5f : 1;
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
            PLAIN.attend(q, at, rows, heads, position, shape, cache, kvHead, out, scratch);
            out[at] *= attends ? 1.5f : 1;
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
            PLAIN.attendLatents(absorbed, at, q, qAt, heads, position, shape, cache, out, scratch);
            out[at] *= attendsToLatents ? 1.5f : 1;
        }
    }
}
