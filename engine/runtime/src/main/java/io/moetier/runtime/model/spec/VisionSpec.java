package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.Activation;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// A tower that makes rows of the residual stream of an image's patches (Dosovitskiy et al. 2021, arXiv:2010.11929):
/// patches attend to each other within the image, or within a tile of it; squares of them are merged to one row each.
///
/// @param token stands in a text for each row that an image gives
/// @param positions where patches are
/// @param layers of patches
/// @param merger of the last layer's result
/// @param deepstack what is made of the results of earlier layers, and added behind the first layers of the text, in
///     order (Meng et al. 2024, arXiv:2406.04334)
public record VisionSpec(
        ImageToken token,
        Patches patches,
        Positions positions,
        List<Layer> layers,
        Merger merger,
        List<Deepstack> deepstack) {
    /// @throws IllegalArgumentException if a number is out of range
    public VisionSpec {
        layers = List.copyOf(layers);
        deepstack = List.copyOf(deepstack);
        deepstack.forEach(level -> Range.require("layer of patches", level.layer(), 0, Integer.MAX_VALUE));
    }

    /// What stands in a text for a row of an image.
    ///
    /// @param tilesApart whether other tokens are between the tiles of an image, which the text then has to have
    public record ImageToken(int id, boolean tilesApart) {}

    /// What patches become before the first layer.
    ///
    /// @param linear [hidden, floats of a patch]
    /// @param pixels along a side of a patch
    /// @param mergedSide patches along a side of what is merged
    /// @param classToken attends and is attended to like a patch, and is left behind by the merger
    /// @param norm of them and of their positions
    public record Patches(
            LinearSpec linear, int pixels, int mergedSide, Optional<VectorSpec> classToken, Optional<NormSpec> norm) {
        /// @throws IllegalArgumentException if a number is out of range
        public Patches {
            Range.product("merged patches", mergedSide, mergedSide, Range.ROW);
        }

        /// Returns how many patches give one row.
        public int merged() {
            return mergedSide * mergedSide;
        }
    }

    /// How patches are told where they are.
    ///
    /// @param learned what is added to each before the first layer
    /// @param rotation of queries and keys in every layer
    public record Positions(Learned learned, Optional<Rotation> rotation) {}

    /// A learned vector for each place of a square grid.
    ///
    /// @param table [side * side, hidden], row by row, a row more with a class token; or as `reach` says
    /// @param reach for which images
    public record Learned(VectorSpec table, int side, Reach reach) {}

    /// For which images there are learned positions.
    public enum Reach {
        /// Every size: they are interpolated, the corners of table and image lying on each other.
        ANY_SIZE,
        /// The size of the table alone, whose first row is the class token's.
        ONE_SIZE_BEHIND_CLASS,
        /// The size of the table alone, whose last row is the class token's.
        ONE_SIZE_BEFORE_CLASS,
        /// Every size up to `side`: the table is one of columns and, behind it, one of rows, whose vectors are summed.
        UP_TO_SIDE
    }

    /// Rotation of half of the pairs of a head by a patch's row, and of half by its column (Heo et al. 2024,
    /// arXiv:2403.13298); a class token is not rotated.
    ///
    /// @param theta base of the frequencies
    /// @param interleaved whether neighbours are pairs
    /// @param colsFirst whether the first half goes by the column
    /// @param apart whether each half of the elements of a head is rotated as if it were a head of its own
    /// @param first number of the first row and column
    public record Rotation(double theta, boolean interleaved, boolean colsFirst, boolean apart, int first) {}

    /// Attention among patches, and then an MLP.
    ///
    /// @param first goes around the attention
    /// @param second goes around the MLP
    public record Layer(Branch first, Attention attention, Branch second, Mlp mlp) {
        private Stream<LinearSpec> linears() {
            ProjectionsSpec projections = attention.projections;
            return Stream.concat(
                    Stream.concat(projections.inputs().stream(), Stream.of(projections.output())), mlp.all());
        }

        private Stream<VectorSpec> vectors() {
            return Stream.of(first.vectors(), attention.vectors(), second.vectors())
                    .flatMap(each -> each);
        }
    }

    /// The way around a block: x + scale * after(block(norm(x))).
    ///
    /// @param after norm of its result, where the family has one
    /// @param scale of each element (Touvron et al. 2021, arXiv:2103.17239), 1 where there is none
    public record Branch(NormSpec norm, Optional<NormSpec> after, Optional<VectorSpec> scale) {
        /// Returns one without factors.
        public static Branch of(NormSpec norm) {
            return new Branch(norm, Optional.empty(), Optional.empty());
        }

        private Stream<VectorSpec> vectors() {
            return Stream.of(
                            norm.vectors().stream(),
                            after.stream().flatMap(each -> each.vectors().stream()),
                            scale.stream())
                    .flatMap(each -> each);
        }
    }

    /// Attention without a mask.
    ///
    /// @param norms of queries and of keys, of each head or of all together, as their sizes say
    /// @param valueNorm of values likewise
    public record Attention(
            ProjectionsSpec projections, HeadsSpec heads, Optional<QkNormSpec> norms, Optional<NormSpec> valueNorm) {
        private Stream<VectorSpec> vectors() {
            return Stream.concat(
                            norms.stream().flatMap(each -> Stream.of(each.query(), each.key())), valueNorm.stream())
                    .flatMap(norm -> norm.vectors().stream());
        }
    }

    /// Linear maps, one behind the other.
    ///
    /// @param between each two of them
    /// @param factors give what the first function's results are multiplied by, where there is a gate
    public record Mlp(Activation between, List<LinearSpec> linears, Optional<LinearSpec> factors) {
        /// @throws IllegalArgumentException if one does not take what the one before it gives
        public Mlp {
            linears = List.copyOf(linears);
            for (int i = 1; i < linears.size(); i++) {
                int given = linears.get(i - 1).rows();
                Range.require(
                        linears.get(i).weight() + ": columns", linears.get(i).cols(), given, given);
            }
        }

        /// Describes one without a gate.
        public Mlp(Activation between, List<LinearSpec> linears) {
            this(between, linears, Optional.empty());
        }

        private Stream<LinearSpec> all() {
            return Stream.concat(linears.stream(), factors.stream());
        }
    }

    /// Makes a row of merged patches: their rows one behind the other or the mean of them, through an MLP.
    ///
    /// @param norm of each patch, or of what is merged, as its size says
    /// @param pooling how the mean is taken; else rows lie one behind the other
    public record Merger(NormSpec norm, Mlp mlp, Optional<Pooling> pooling) {
        /// Describes one of rows behind each other.
        public Merger(NormSpec norm, Mlp mlp) {
            this(norm, mlp, Optional.empty());
        }

        private Stream<VectorSpec> vectors() {
            return Stream.concat(
                    norm.vectors().stream(),
                    pooling.flatMap(Pooling::standard).stream().flatMap(each -> Stream.of(each.mean(), each.scale())));
        }
    }

    /// The mean of the rows of merged patches.
    ///
    /// @param factor on it
    /// @param standard how it is brought to a standard, where the family does that
    public record Pooling(float factor, Optional<Standard> standard) {}

    /// `(x - mean) * scale` of each element.
    public record Standard(VectorSpec mean, VectorSpec scale) {}

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
        mergers().forEach(each -> each.mlp.all().forEach(linears::add));
        return linears;
    }

    /// Says whether a file has none of its tensors.
    ///
    /// @param hasTensor says of a name whether the file has a tensor of it
    public boolean isAbsent(Predicate<String> hasTensor) {
        return Stream.concat(
                        linears().stream().flatMap(LinearSpec::tensors),
                        vectors().stream().map(VectorSpec::name))
                .noneMatch(hasTensor);
    }

    /// Returns every vector that is not a bias.
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(List.of(positions.learned.table));
        patches.classToken.ifPresent(vectors::add);
        patches.norm.ifPresent(norm -> vectors.addAll(norm.vectors()));
        layers.forEach(layer -> layer.vectors().forEach(vectors::add));
        mergers().forEach(each -> each.vectors().forEach(vectors::add));
        return vectors;
    }
}
