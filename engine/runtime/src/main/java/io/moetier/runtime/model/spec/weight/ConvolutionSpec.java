package io.moetier.runtime.model.spec.weight;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A causal convolution of each channel by itself over the last `width` tokens.
///
/// @param taps [width, channels], the oldest token's first
/// @param bias [channels], where the family has one
public record ConvolutionSpec(VectorSpec taps, Optional<VectorSpec> bias, int channels, int width) {
    /// @throws IllegalArgumentException if a number is out of range
    public ConvolutionSpec {
        Range.product("taps of a convolution", width, channels, Range.VECTOR);
    }

    /// Returns the convolution whose taps PyTorch stores as `prefix.weight` [channels, 1, width].
    public static ConvolutionSpec of(String prefix, int channels, int width, boolean biased) {
        return part(prefix, "", channels, 0, channels, width, biased);
    }

    /// Returns the convolution of `channels` channels from `first` on, one of several that a checkpoint stores in one
    /// tensor of `total` channels.
    ///
    /// @param name what tells it from the others
    public static ConvolutionSpec part(
            String prefix, String name, int total, int first, int channels, int width, boolean biased) {
        TensorSlice taps = new TensorSlice(
                prefix + ".weight",
                List.of((long) total, 1L, (long) width),
                (long) first * width,
                width,
                1,
                channels,
                1);
        TensorSlice bias = TensorSlice.rows(prefix + ".bias", List.of((long) total), first, 1);
        return new ConvolutionSpec(
                new VectorSpec(prefix + name + ".weight", channels * width, Optional.of(taps)),
                biased
                        ? Optional.of(new VectorSpec(prefix + name + ".bias", channels, Optional.of(bias)))
                        : Optional.empty(),
                channels,
                width);
    }

    /// Returns its vectors.
    public List<VectorSpec> vectors() {
        return Stream.concat(Stream.of(taps), bias.stream()).toList();
    }

    /// Returns how many floats it remembers: as many tokens as it looks at.
    public int state() {
        return width * channels; // in range, as the constructor saw to
    }
}
