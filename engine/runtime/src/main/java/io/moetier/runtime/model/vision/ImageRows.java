package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.DeviceBuffer;
import java.util.List;

/// What a tower made of an image, row by row of its merged patches.
///
/// @param rows of merged patches, of `cols` each
/// @param features `[rows * cols, hiddenSize]`, what stands in the place of its tokens' embeddings
/// @param deepstack of the same shape, what is added to its tokens behind the first layers, in order
public record ImageRows(int rows, int cols, DeviceBuffer features, List<DeviceBuffer> deepstack) {
    public ImageRows {
        deepstack = List.copyOf(deepstack);
    }

    /// Returns how many tokens of a text the image takes.
    public int number() {
        return rows * cols;
    }
}
