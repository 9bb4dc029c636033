package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.Activation;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A tower that makes rows of the residual stream of an image's patches (Dosovitskiy et al. 2021, arXiv:2010.11929), as
/// Qwen3-VL has it (Qwen Team 2025, arXiv:2511.21631): patches attend to each other within the image and are rotated by
/// their row and column; squares of them are merged to one row each.
///
/// @param imageToken stands in a text for each row that an image gives
/// @param layers of patches
/// @param merger of the last layer's result
/// @param deepstack what is made of the results of earlier layers, and added behind the first layers of the text, in
///     order (Meng et al. 2024, arXiv:2406.04334)
public record VisionSpec(
        int imageToken, Patches patches, List<Layer> layers, Merger merger, List<Deepstack> deepstack) {
    /// @throws IllegalArgumentException if a number is out of range
    public VisionSpec {
        layers = List.copyOf(layers);
        deepstack = List.copyOf(deepstack);
        deepstack.forEach(level -> Range.require("layer of patches", level.layer(), 0, Integer.MAX_VALUE));
    }

    /// What patches become before the first layer.
    ///
    /// @param linear [hidden, floats of a patch]
    /// @param positions [side * side, hidden]: learned for a square of `side` rows, interpolated for other images
    /// @param mergedSide patches along a side of what is merged
    public record Patches(LinearSpec linear, VectorSpec positions, int side, int mergedSide) {
        /// @throws IllegalArgumentException if a number is out of range
        public Patches {
            Range.product("merged patches", mergedSide, mergedSide, Range.ROW);
        }

        /// Returns how many patches give one row.
        public int merged() {
            return mergedSide * mergedSide;
        }
    }

    /// x + attention(norm(x)), and then x + mlp(norm(x)).
    ///
    /// @param theta base of the rotations
    public record Layer(
            NormSpec attentionNorm,
            ProjectionsSpec projections,
            HeadsSpec heads,
            double theta,
            NormSpec mlpNorm,
            Mlp mlp) {
        private Stream<LinearSpec> linears() {
            return Stream.of(
                    projections.query(),
                    projections.key(),
                    projections.value(),
                    projections.output(),
                    mlp.up,
                    mlp.down);
        }
    }

    /// down·activation(up·x).
    public record Mlp(LinearSpec up, Activation activation, LinearSpec down) {}

    /// Makes a row of merged patches: their rows one behind the other, through an MLP.
    ///
    /// @param norm of each patch, or of what is merged, as its size says
    public record Merger(NormSpec norm, Mlp mlp) {}

    /// A merger of the result of `layer`.
    public record Deepstack(int layer, Merger merger) {}

    /// Returns all mergers, that of the last layer first.
    public List<Merger> mergers() {
        return Stream.concat(Stream.of(merger), deepstack.stream().map(Deepstack::merger))
                .toList();
    }

    /// Returns every matrix, each once.
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(patches.linear()));
        layers.forEach(layer -> layer.linears().forEach(linears::add));
        mergers().forEach(each -> linears.addAll(List.of(each.mlp.up, each.mlp.down)));
        return linears;
    }

    /// Returns every vector that is not a bias.
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(List.of(patches.positions()));
        layers.forEach(layer -> {
            vectors.addAll(layer.attentionNorm.vectors());
            vectors.addAll(layer.mlpNorm.vectors());
        });
        mergers().forEach(each -> vectors.addAll(each.norm.vectors()));
        return vectors;
    }
}
