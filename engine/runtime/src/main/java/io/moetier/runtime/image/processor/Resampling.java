package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;

/// Makes pictures larger or smaller, first their rows and then their columns, to the very numbers of the library that a
/// processor of the hub uses.
@FunctionalInterface
interface Resampling {
    /// Red, green and blue.
    int CHANNELS = 3;

    /// Returns `picture` in another size, or itself if it has that.
    Picture resize(Picture picture, int width, int height);
}
