package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.storage.model.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SliceReaderTest {
    private static final int MANY = Integer.MAX_VALUE;

    /// A tensor in memory that counts what is read of it.
    private static final class Tensor {
        private final MemorySegment bytes;
        private long read;
        private long longest;

        private Tensor(long numBytes) {
            byte[] random = new byte[Math.toIntExact(numBytes)];
            new Random(7).nextBytes(random);
            bytes = MemorySegment.ofArray(random);
        }

        private void read(long fromByte, MemorySegment dst) {
            MemorySegment.copy(bytes, fromByte, dst, 0, dst.byteSize());
            read += dst.byteSize();
            longest = Math.max(longest, dst.byteSize());
        }
    }

    record Case(String what, int rows, int cols, TensorSlice slice) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static Case of(String what, int rows, int cols, long... values) {
        TensorSlice slice =
                new TensorSlice("t", List.of(), values[0], values[1], values[2], (int) values[3], values[4]);
        return new Case(what, rows, cols, slice);
    }

    static Stream<Case> slices() {
        return Stream.of(
                of("whole rows", 5, 7, 3, 7, 1, MANY, 0),
                of("the left part of each row", 5, 7, 3, 11, 1, MANY, 0),
                of("every second row", 9, 13, 13, 26, 1, MANY, 0),
                of("every second row, far apart", 9, 13, 13, 9001, 1, MANY, 0),
                of("groups of rows", 14, 5, 2, 5, 1, 4, 45),
                of("groups of parts of rows", 11, 5, 2, 6, 1, 3, 45),
                of("transposed", 33, 65, 4, 1, 33, MANY, 0),
                of("the upper half of the transposed", 33, 65, 33, 1, 66, MANY, 0),
                of("transposed, every second row", 35, 17, 1, 2, 70, MANY, 0),
                of("transposed, far apart", 35, 17, 1, 2, 7000, MANY, 0),
                of("transposed in groups", 35, 17, 1, 1, 100, 8, 10),
                of("transposed, larger than what is read at once", 1100, 700, 9, 1, 1200, MANY, 0),
                of("transposed, with gaps worth a call", 600, 700, 9, 1, 4000, MANY, 0),
                of("rows longer than what is read at once", 2, 700_001, 5, 700_003, 1, MANY, 0),
                of("elements apart", 3, 5, 1, 100, 7, MANY, 0),
                of("elements very far apart", 2, 3, 1, 2_000_000, 600_000, MANY, 0),
                of("a vector", 77, 1, 3, 1, 1, MANY, 0),
                of("every second element of a vector", 77, 1, 3, 2, 1, MANY, 0),
                of("a column", 700, 1, 3, 1000, 1, MANY, 0),
                of("groups of a vector", 30, 1, 3, 1, 1, 4, 9),
                of("one row", 1, 9, 3, 0, 1, MANY, 0));
    }

    @ParameterizedTest
    @MethodSource("slices")
    void readsWhatTheIndexSays(Case slice) {
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            Tensor tensor = tensor(slice, dtype);
            int firstRow = slice.rows() / 3;
            assertRead(slice, dtype, tensor, 0, slice.rows());
            assertRead(slice, dtype, tensor, firstRow, slice.rows() - firstRow);
            assertTrue(tensor.longest <= 1 << 20 || slice.what().startsWith("whole"), "at most a megabyte at once");
        }
    }

    private static Tensor tensor(Case slice, DType dtype) {
        long last = slice.slice().index(slice.rows() - 1, slice.cols() - 1);
        return new Tensor((last + 1) * dtype.blockBytes());
    }

    private static void assertRead(Case slice, DType dtype, Tensor tensor, int firstRow, int rows) {
        MemorySegment dst = MemorySegment.ofArray(new byte[rows * slice.cols() * dtype.blockBytes()]);
        new SliceReader(slice.slice(), slice.cols(), dtype.blockBytes(), tensor::read).read(firstRow, dst);
        for (int row = 0; row < rows; row++) {
            for (int col = 0; col < slice.cols(); col++) {
                long at = slice.slice().index(firstRow + row, col);
                long to = (long) row * slice.cols() + col;
                if (dtype == DType.F32) {
                    assertEquals(
                            tensor.bytes.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * at),
                            dst.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * to));
                } else {
                    assertEquals(
                            tensor.bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at),
                            dst.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * to));
                }
            }
        }
    }

    @Test
    void readsLittleThatNobodyWants() {
        int rows = 3000; // of 6000, so that the gaps are longer than a page
        int cols = 500;
        Case half = of("half", rows, cols, 0, 1, 2L * rows, MANY, 0);
        Tensor tensor = tensor(half, DType.BF16);
        assertRead(half, DType.BF16, tensor, 0, rows);
        assertEquals(2L * rows * cols, tensor.read);
    }

    @Test
    void refusesBrokenRows() {
        TensorSlice slice = TensorSlice.rows("t", List.of(4L, 8L), 0, 8);
        Tensor tensor = new Tensor(64);
        SliceReader reader = new SliceReader(slice, 8, 2, tensor::read);
        assertThrows(IllegalArgumentException.class, () -> reader.read(0, MemorySegment.ofArray(new byte[17])));
    }
}
