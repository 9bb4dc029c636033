package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// A layer: sublayers that follow each other, in most families a mixer and a feed-forward block.
///
/// @param factor on the residual stream after them, one element, where the family has it
public record LayerSpec(List<SublayerSpec> sublayers, Optional<VectorSpec> factor) {
    public LayerSpec {
        sublayers = List.copyOf(sublayers);
    }

    /// Returns the layer of these sublayers.
    public static LayerSpec of(SublayerSpec... sublayers) {
        return new LayerSpec(List.of(sublayers), Optional.empty());
    }

    /// Returns this layer with its result multiplied.
    public LayerSpec times(VectorSpec newFactor) {
        return new LayerSpec(sublayers, Optional.of(newFactor));
    }

    /// Returns its blocks of one kind, in order.
    public <T extends BlockSpec> Stream<T> blocks(Class<T> kind) {
        return sublayers.stream()
                .map(SublayerSpec::block)
                .filter(kind::isInstance)
                .map(kind::cast);
    }

    /// Returns this layer with each token sent to `k` experts.
    LayerSpec withExpertsPerToken(int k) {
        return new LayerSpec(
                sublayers.stream()
                        .map(sublayer -> sublayer.block() instanceof MoeSpec moe
                                ? sublayer.with(moe.withExpertsPerToken(k))
                                : sublayer)
                        .toList(),
                factor);
    }

    /// @throws IllegalArgumentException if a result of a token, a state, or the angles of all positions are more than
    ///     an array holds
    void requireInRange(int hiddenSize, int positions) {
        blocks(BlockSpec.class)
                .flatMap(block -> block.intermediates().stream())
                .forEach(floats -> Range.require("floats of a token", floats, 0, Range.TOKEN));
        blocks(MixerSpec.class)
                .flatMap(block -> block.states().stream())
                .forEach(floats -> Range.require("floats of a state", floats, 0, Range.VECTOR));
        blocks(MoeSpec.class)
                .forEach(moe -> Range.product(
                        "results of all experts of a token", moe.numExpertsPerToken() + 1, hiddenSize, Range.TOKEN));
        rotations()
                .forEach(rope ->
                        Range.product("angles of all positions", positions, rope.rotaryDim() / 2, Integer.MAX_VALUE));
    }

    private Stream<RopeSpec> rotations() {
        return Stream.concat(
                blocks(AttentionSpec.class).flatMap(attention -> attention.preparation().rope().stream()),
                Stream.concat(
                        blocks(LatentAttentionSpec.class).flatMap(attention -> attention.rope().stream()),
                        Stream.concat(
                                blocks(CompressedAttentionSpec.class).map(CompressedAttentionSpec::rope),
                                blocks(MixtureOfHeadsSpec.class).map(MixtureOfHeadsSpec::rope))));
    }

    /// Returns its mixture of experts.
    public Optional<MoeSpec> moe() {
        return blocks(MoeSpec.class).findFirst();
    }
}
