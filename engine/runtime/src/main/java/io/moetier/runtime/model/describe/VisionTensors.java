package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// What descriptions of towers have in common.
final class VisionTensors {
    private static final int AXES = 2;
    /// What heads are a multiple of that are rotated by rows and columns.
    static final int ROTATED = 2 * AXES;

    private VisionTensors() {}

    /// Returns the map of patches, with a bias, which checkpoints store as a convolution.
    ///
    /// @param patch sizes of a patch, channels first
    static LinearSpec patches(String name, int hidden, int... patch) {
        List<Long> shape = IntStream.concat(IntStream.of(hidden), IntStream.of(patch))
                .asLongStream()
                .boxed()
                .toList();
        int floats = IntStream.of(patch).reduce(1, Math::multiplyExact);
        return LinearSpec.of(name + ".matrix", hidden, floats)
                .withBias(VectorSpec.of(name + ".bias", hidden))
                .at(TensorSlice.rows(name + ".weight", shape, 0, floats));
    }

    /// Returns all elements of a tensor of this shape.
    static VectorSpec vector(String name, int... shape) {
        List<Long> dimensions = IntStream.of(shape).asLongStream().boxed().toList();
        return new VectorSpec(
                name,
                IntStream.of(shape).reduce(1, Math::multiplyExact),
                Optional.of(TensorSlice.rows(name, dimensions, 0, 1)));
    }

    /// Returns heads that share out the elements of a patch.
    ///
    /// @param key says how many there are
    /// @param divisor of the elements of a head
    static HeadsSpec heads(FamilyConfig config, String key, int divisor) {
        int hidden = config.hiddenSize();
        int heads = config.numHeads(key);
        if (hidden % ((long) divisor * heads) != 0) {
            throw config.json()
                    .unexpected(
                            key,
                            "as many equal heads of " + hidden + " elements, each a multiple of " + divisor,
                            heads);
        }
        int headDim = hidden / heads;
        return new HeadsSpec(heads, heads, headDim, (float) (1 / Math.sqrt(headDim)));
    }

    /// Returns a length that is written as a number or, for rows and columns, twice.
    static int side(FamilyConfig config, String key) {
        List<Integer> sides = config.json().optionalInts(key).orElse(List.of());
        if (sides.isEmpty() || sides.size() > AXES || sides.stream().distinct().count() > 1) {
            throw config.json().unexpected(key, "one length, or the same twice", sides);
        }
        return config.positive(sides.getFirst(), key);
    }

    /// Returns how many patches are along a side of a tile.
    static int grid(FamilyConfig config) {
        int tile = side(config, "image_size");
        int patch = side(config, "patch_size");
        if (tile % patch != 0) {
            throw config.json().unexpected("patch_size", "a divisor of " + tile, patch);
        }
        int grid = tile / patch;
        config.times(grid, "image_size", grid);
        return grid;
    }

    /// Returns how many patches along a side are merged, by the ratio of sides after it to sides before.
    static int mergedSide(FamilyConfig config, String key) {
        double ratio = config.json().requireDouble(key);
        long side = Math.round(1 / ratio);
        if (!(ratio > 0) || side > Limits.NUMBER || ratio * side != 1) {
            throw config.json().unexpected(key, "one divided by a whole number", ratio);
        }
        return (int) side;
    }

    /// Checks that a tile can be cut into squares.
    static void requireSquares(FamilyConfig config, int grid, int mergedSide) {
        if (grid % mergedSide != 0) {
            throw config.json().unexpected("image_size", "a multiple of " + mergedSide + " patches", grid + " patches");
        }
    }

    /// Checks that rows are made of the last layer's patches.
    static void requireLastLayer(FamilyConfig config) {
        List<Integer> layers =
                config.json().optionalInts("vision_feature_layer").orElse(List.of(-1));
        if (!layers.equals(List.of(-1))) {
            throw config.json().unexpected("vision_feature_layer", "-1", layers);
        }
        config.requireWord("vision_feature_select_strategy", "default");
    }

    /// Checks a switch of which only one position is supported.
    static void requireSwitch(FamilyConfig config, String key, boolean only) {
        if (config.flag(key) != only) {
            throw config.json().unexpected(key, Boolean.toString(only), !only);
        }
    }

    /// Returns what norms add to what they divide by.
    static float eps(FamilyConfig config, String key) {
        float eps = config.number(key);
        if (eps < 0) {
            throw config.json().unexpected(key, "a number of at least 0", eps);
        }
        return eps;
    }
}
