package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.CompressedShape.Pooling;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.stream.Stream;

/// What makes entries of positions (DeepSeek-AI 2026, DeepSeek-V4): the formula is [Pooling]'s, then a norm and a
/// rotation of the last elements by the entry's first position.
///
/// @param value [width, hiddenSize]
/// @param gate [width, hiddenSize]
/// @param places `[rate, width]`, added to the gates by the place of a position in its entry
/// @param norm of an entry
/// @param rope by entries
public record CompressorSpec(
        LinearSpec value, LinearSpec gate, VectorSpec places, NormSpec norm, RopeSpec rope, Pooling pooling)
        implements IndexKeysSpec {
    @Override
    public List<LinearSpec> linears() {
        return List.of(value, gate);
    }

    @Override
    public List<VectorSpec> vectors() {
        return Stream.concat(Stream.of(places), norm.vectors().stream()).toList();
    }

    /// Values, gates and entries.
    @Override
    public List<Integer> intermediates() {
        return List.of(value.rows(), gate.rows(), pooling.dim());
    }
}
