package io.moetier.kernels.cpu.nativecode;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.kernels.tensor.RowInterleaver;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

/// Interleaves rows in C.
public final class NativeInterleaver implements RowInterleaver {
    private static final int ROWS = WeightMatrix.TILE_ROWS;
    private static final long SEED = 16;

    /// Of the test: units of each size, more and fewer than are moved at once, in an order of its own.
    private static final int[] LAYOUT = {37, 3, 1, 3, 34, 0, 2, 5, 24, 48, 4, 6, 0, 208};

    /// Linked here and not in [NativeCalls], which links all that computes.
    private final MethodHandle call;

    private NativeInterleaver(NativeLibrary library) {
        call = library.link(
                "interleave", FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    }

    /// Loads the native library and compares what it does with plain loops.
    ///
    /// @param directory where the library is unpacked, for later starts to find; empty for a temporary directory
    /// @return nothing if there is no library, or it cannot be used
    public static Optional<RowInterleaver> open(Optional<Path> directory) {
        if (NativeKernels.loadUntested(directory).isPresent()) {
            return Optional.empty();
        }
        NativeInterleaver interleaver = new NativeInterleaver(NativeKernels.library());
        return interleaver.isRight(ROWS) && interleaver.isRight(ROWS - 1) ? Optional.of(interleaver) : Optional.empty();
    }

    @Override
    public void interleave(
            MemorySegment rows, long rowBytes, int numRows, int numBlocks, MemorySegment layout, MemorySegment tile) {
        long bytes = (long) numBlocks * layout.getAtIndex(ValueLayout.JAVA_INT, 0);
        Objects.checkIndex(numRows - 1, ROWS);
        Objects.checkFromIndexSize((numRows - 1) * rowBytes, bytes, rows.byteSize());
        Objects.checkFromIndexSize(0, ROWS * bytes, tile.byteSize());
        try {
            call.invokeExact(rows, rowBytes, numRows, numBlocks, layout, tile);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean isRight(int numRows) {
        int blockBytes = LAYOUT[0];
        byte[] rows = new byte[ROWS * 2 * blockBytes];
        new Random(SEED).nextBytes(rows);
        byte[] expected = new byte[rows.length];
        for (int row = 0; row < numRows; row++) {
            for (int block = 0; block < 2; block++) {
                moveBlock(rows, (2 * row + block) * blockBytes, expected, block * ROWS * blockBytes, row);
            }
        }
        byte[] found = new byte[rows.length];
        interleave(
                MemorySegment.ofArray(rows),
                2L * blockBytes,
                numRows,
                2,
                MemorySegment.ofArray(LAYOUT),
                MemorySegment.ofArray(found));
        return Arrays.equals(expected, found);
    }

    private static void moveBlock(byte[] rows, int from, byte[] tile, int to, int row) {
        for (int part = 2; part < LAYOUT.length; part += 4) {
            int unit = LAYOUT[part];
            for (int i = 0; i < LAYOUT[part + 1]; i++) {
                int at = to + LAYOUT[part + 3] + unit * (ROWS * i + row);
                System.arraycopy(rows, from + LAYOUT[part + 2] + unit * i, tile, at, unit);
            }
        }
    }
}
