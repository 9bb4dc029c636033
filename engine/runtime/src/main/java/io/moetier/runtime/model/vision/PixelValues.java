package io.moetier.runtime.model.vision;

import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.MalformedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/// What a processor made of an image elsewhere: `pixel_values` of a safetensors file, and `image_grid_thw` where they
/// are
/// patches of one image.
public final class PixelValues {
    private static final String VALUES = "pixel_values";
    private static final String GRID = "image_grid_thw";
    private static final int GRID_LENGTH = 3;
    private static final int TILES_RANK = 4; // tile, channel, row, column

    private final float[] values;
    private final int height; // in pixels of a tile, or in patches
    private final int width;
    private final boolean areTiles;

    private PixelValues(float[] values, int height, int width, boolean areTiles) {
        this.values = values;
        this.height = height;
        this.width = width;
        this.areTiles = areTiles;
    }

    /// Reads a file.
    ///
    /// @throws MalformedModelException if it has no values of an image
    public static PixelValues read(Path file) {
        try (SafetensorsFile tensors = SafetensorsFile.open(file)) {
            List<Long> shape = tensors.requireRaw(VALUES).shape();
            return shape.size() == TILES_RANK ? tiles(file, tensors, shape) : patches(file, tensors);
        }
    }

    private static PixelValues tiles(Path file, SafetensorsFile tensors, List<Long> shape) {
        float[] values = tensors.readFloats(VALUES);
        if (values.length == 0) {
            throw MalformedModelException.of(file, VALUES, "tiles: channels, rows and columns of each", shape);
        }
        int rows = shape.get(TILES_RANK - 2).intValue(); // no dimension is more than all values
        return new PixelValues(values, rows, shape.getLast().intValue(), true);
    }

    private static PixelValues patches(Path file, SafetensorsFile tensors) {
        RawTensor grid = tensors.requireRaw(GRID);
        if (!grid.dtype().equals("I64") || grid.byteLength() != GRID_LENGTH * Long.BYTES) {
            throw MalformedModelException.of(
                    file, GRID, "I64 of one image: frames, rows, columns", grid.dtype() + " " + grid.shape());
        }
        long[] sizes = integers(tensors, grid);
        float[] values = tensors.readFloats(VALUES);
        boolean fits = sizes[0] == 1
                && LongStream.of(sizes).allMatch(size -> size >= 1 && size <= values.length)
                && values.length % (sizes[1] * sizes[2]) == 0;
        if (!fits) {
            throw MalformedModelException.of(
                    file, GRID, "1 frame, rows and columns of patches of " + VALUES, Arrays.toString(sizes));
        }
        return new PixelValues(values, (int) sizes[1], (int) sizes[2], false);
    }

    private static long[] integers(SafetensorsFile tensors, RawTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(tensor.byteLength(), Long.BYTES);
            tensors.read(tensor, 0, numbers);
            return numbers.toArray(ValueLayout.JAVA_LONG);
        }
    }

    /// Returns them as a tower takes them.
    ///
    /// @throws IllegalArgumentException if they are tiles that it cannot take
    public ImagePatches patches(VisionSpec tower) {
        return areTiles
                ? ImagePatches.ofTiles(values, height, width, tower.patches())
                : new ImagePatches(values, 1, height, width);
    }
}
