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

    /// Returns heads that share out the elements of a patch, each rotated by rows and columns.
    ///
    /// @param key says how many there are
    static HeadsSpec heads(FamilyConfig config, String key) {
        int hidden = config.hiddenSize();
        int heads = config.numHeads(key);
        if (hidden % (2 * AXES * heads) != 0) {
            throw config.json().unexpected(key, "heads of " + hidden + " elements by fours", heads);
        }
        int headDim = hidden / heads;
        return new HeadsSpec(heads, heads, headDim, (float) (1 / Math.sqrt(headDim)));
    }
}
