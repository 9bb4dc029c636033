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

/// What a processor made of an image elsewhere: `pixel_values` of a safetensors file; with `image_grid_thw` patches of
/// one image, in the order of what is merged, with `image_position_ids` row by row.
public final class PixelValues {
    private static final String VALUES = "pixel_values";
    private static final String GRID = "image_grid_thw";
    private static final int GRID_LENGTH = 3;
    private static final String PLACES = "image_position_ids";
    private static final int AXES = 2;
    private static final int PATCHES_RANK = 3; // image, patch, values
    private static final int TILES_RANK = 4; // tile, channel, row, column

    private final float[] values;
    private final int height; // in pixels of a tile, or in patches
    private final int width;
    private final Kind kind;

    private enum Kind {
        TILES,
        MERGED_PATCHES,
        PLACED_PATCHES
    }

    private PixelValues(float[] values, int height, int width, Kind kind) {
        this.values = values;
        this.height = height;
        this.width = width;
        this.kind = kind;
    }

    /// Reads a file.
    ///
    /// @throws MalformedModelException if it has no values of an image
    public static PixelValues read(Path file) {
        try (SafetensorsFile tensors = SafetensorsFile.open(file)) {
            List<Long> shape = tensors.requireRaw(VALUES).shape();
            if (shape.size() == TILES_RANK) {
                return tiles(file, tensors, shape);
            }
            return tensors.rawTensors().containsKey(PLACES) ? placed(file, tensors, shape) : patches(file, tensors);
        }
    }

    private static PixelValues tiles(Path file, SafetensorsFile tensors, List<Long> shape) {
        float[] values = tensors.readFloats(VALUES);
        if (values.length == 0) {
            throw MalformedModelException.of(file, VALUES, "tiles: channels, rows and columns of each", shape);
        }
        int rows = shape.get(TILES_RANK - 2).intValue(); // no dimension is more than all values
        return new PixelValues(values, rows, shape.getLast().intValue(), Kind.TILES);
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
        return new PixelValues(values, (int) sizes[1], (int) sizes[2], Kind.MERGED_PATCHES);
    }

    /// Patches of one image, row by row, and behind them padding, which is at -1.
    private static PixelValues placed(Path file, SafetensorsFile tensors, List<Long> shape) {
        RawTensor places = tensors.requireRaw(PLACES);
        float[] padded = tensors.readFloats(VALUES);
        boolean fits = shape.size() == PATCHES_RANK
                && shape.getFirst() == 1
                && padded.length > 0
                && places.dtype().equals("I64")
                && places.byteLength() == AXES * shape.get(1) * Long.BYTES;
        if (!fits) {
            throw MalformedModelException.of(
                    file, PLACES, "I64 of column and row of each patch of one image", places.shape());
        }
        long[] at = integers(tensors, places);
        int count = 0;
        while (AXES * count < at.length && at[AXES * count] >= 0) {
            count++;
        }
        long cols = count == 0 ? 0 : at[AXES * (count - 1)] + 1;
        for (int patch = 0; patch < count; patch++) {
            if (at[AXES * patch] != patch % cols || at[AXES * patch + 1] != patch / cols) {
                count = 0; // no image
            }
        }
        if (count == 0 || count % cols != 0) {
            throw MalformedModelException.of(file, PLACES, "columns and rows of patches, row by row", places.shape());
        }
        float[] values = Arrays.copyOf(padded, count * (padded.length / Math.toIntExact(shape.get(1))));
        return new PixelValues(values, (int) (count / cols), (int) cols, Kind.PLACED_PATCHES);
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
        return switch (kind) {
            case TILES -> ImagePatches.ofTiles(values, height, width, tower.patches());
            case MERGED_PATCHES -> new ImagePatches(values, 1, height, width);
            case PLACED_PATCHES -> ImagePatches.ofRows(values, height, width, tower.patches());
        };
    }
}
