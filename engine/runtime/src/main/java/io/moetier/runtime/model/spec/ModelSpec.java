package io.moetier.runtime.model.spec;

import io.moetier.kernels.device.KeyBlocks;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// A model: embedding, layers, final norm, head.
///
/// @param family the checkpoint's `model_type`
/// @param encoder the first layers, where the model has an encoder; the others are the decoder's
public record ModelSpec(
        String family,
        Sizes sizes,
        Embedding embedding,
        List<LayerSpec> layers,
        NormSpec finalNorm,
        Head head,
        Optional<EncoderSpec> encoder) {
    /// @throws IllegalArgumentException if a number is out of range
    public ModelSpec {
        layers = List.copyOf(layers);
        layers.forEach(layer -> layer.requireInRange(sizes.hidden(), sizes.positions()));
        encoder.ifPresent(stack ->
                Range.require("first token of the decoder", stack.decoderStartToken(), 0, sizes.vocabulary() - 1));
        requireKeysAndValues(layers, sizes.positions());
        requireChoices(layers);
        requireStreams(layers, head);
    }

    /// Returns this model with a tower for images.
    public ModelSpec with(VisionSpec tower) {
        return with(Optional.of(tower));
    }

    /// Returns this model as it is in a file that may have come without the tower, as a configuration is often
    /// kept when the language model alone is published: without it if the file has none of its tensors.
    ///
    /// @param hasTensor says of a name whether the file has a tensor of it
    public ModelSpec seeingIf(Predicate<String> hasTensor) {
        return vision().filter(tower -> tower.isAbsent(hasTensor)).isPresent() ? with(Optional.empty()) : this;
    }

    private ModelSpec with(Optional<VisionSpec> tower) {
        return new ModelSpec(family, sizes, embedding.with(tower), layers, finalNorm, head, encoder);
    }

    /// Returns what serves multi-token prediction, where the model has it.
    public Optional<MtpSpec> mtp() {
        return head.mtp();
    }

    /// Returns this model without what serves multi-token prediction, its last layer included.
    public ModelSpec withoutMtp() {
        return mtp().isEmpty()
                ? this
                : new ModelSpec(
                        family,
                        sizes,
                        embedding,
                        layers.subList(0, numMainLayers()),
                        finalNorm,
                        head.withoutMtp(),
                        encoder);
    }

    /// Returns how many layers every token passes, the first ones: all but that for multi-token prediction.
    public int numMainLayers() {
        return layers.size() - (mtp().isPresent() ? 1 : 0);
    }

    /// Returns what makes rows of images, where the model has it.
    public Optional<VisionSpec> vision() {
        return embedding.vision();
    }

    /// What is the same in all layers.
    ///
    /// @param hidden elements of a row of the residual stream
    /// @param vocabulary tokens that there are
    /// @param positions the most tokens of a text, `max_position_embeddings`
    public record Sizes(int hidden, int vocabulary, int positions) {
        /// @throws IllegalArgumentException if a number is out of range
        public Sizes {
            Range.require("vocabulary", vocabulary, 1, Range.ROW);
            Range.require("positions", positions, 1, Range.POSITIONS);
        }
    }

    /// What tokens and images become before the first layer.
    ///
    /// @param table [vocabSize, hiddenSize]
    /// @param factor on its rows
    /// @param positions what is added to them, where the family has it
    /// @param vision what makes rows of images, where the model has it
    public record Embedding(
            LinearSpec table, float factor, Optional<SinusoidSpec> positions, Optional<VisionSpec> vision) {
        /// @throws IllegalArgumentException if a number is out of range
        public Embedding {
            Range.requireFinite("factor on the embedding", factor);
        }

        private Embedding with(Optional<VisionSpec> tower) {
            return new Embedding(table, factor, positions, tower);
        }
    }

    /// What makes logits of the last layer's result.
    ///
    /// @param linear [vocabSize, hiddenSize]; the embedding itself when tied
    /// @param factor on what it gives
    /// @param softCap c of c · tanh(logits / c), which limits them (arXiv:2408.00118); 0 for no limit
    /// @param streams what makes one row of several residual streams, in front of the last norm; absent for one
    /// @param mtp what makes the logits of one token more of the model's last layer, where that serves this alone
    public record Head(
            LinearSpec linear,
            float factor,
            float softCap,
            Optional<HyperConnectionSpec> streams,
            Optional<MtpSpec> mtp) {
        /// @throws IllegalArgumentException if a number is out of range
        public Head {
            Range.requireFinite("factor on the logits", factor);
            Range.requireNotNegative("limit of the logits", softCap);
        }

        /// Creates that of one residual stream.
        public Head(LinearSpec linear, float factor) {
            this(linear, factor, 0, Optional.empty(), Optional.empty());
        }

        private Head withoutMtp() {
            return new Head(linear, factor, softCap, streams, Optional.empty());
        }
    }

    /// Returns how many residual streams there are.
    public int numStreams() {
        return head.streams().map(HyperConnectionSpec::streams).orElse(1);
    }

    /// Returns what reads and writes the residual streams, where there are several: that of each sublayer, and of the
    /// head.
    public Stream<HyperConnectionSpec> connections() {
        return Stream.concat(
                layers.stream()
                        .flatMap(layer -> layer.sublayers().stream())
                        .flatMap(sublayer -> sublayer.connection().stream()),
                head.streams().stream());
    }

    /// Returns how many elements a row of the residual stream has.
    public int hiddenSize() {
        return sizes.hidden();
    }

    /// Returns how many tokens there are.
    public int vocabSize() {
        return sizes.vocabulary();
    }

    /// Returns the most tokens of a text.
    public int maxPositionEmbeddings() {
        return sizes.positions();
    }

    /// The keys and values of all positions have a number of bytes that fits 64 bits.
    private static void requireKeysAndValues(List<LayerSpec> layers, int positions) {
        long elements = layers.stream()
                .flatMap(layer -> layer.blocks(KeyValueSpec.class))
                .mapToLong(
                        attention -> attention.numKeyValueHeads() * ((long) attention.headDim() + attention.valueDim()))
                .sum();
        if (elements > Long.MAX_VALUE / Float.BYTES / positions) {
            throw new IllegalArgumentException("keys and values of " + positions + " positions: expected a number of"
                    + " bytes that fits 64 bits, found more");
        }
    }

    /// Says whether the head is the embedding.
    public boolean tiedEmbeddings() {
        return head.linear().weight().equals(embedding.table().weight());
    }

    /// Returns how many layers, the first ones, are an encoder's.
    public int encoderLayers() {
        return encoder.map(EncoderSpec::numLayers).orElse(0);
    }

    /// Returns every block of one kind, in order.
    public <T extends BlockSpec> Stream<T> blocks(Class<T> kind) {
        return layers.stream().flatMap(layer -> layer.blocks(kind));
    }

    /// Returns all that is rotated by, each once.
    public Stream<RopeSpec> rotations() {
        return blocks(MixerSpec.class)
                .flatMap(mixer -> mixer.rotations().stream())
                .distinct();
    }

    /// Returns every indexer, in order.
    public Stream<IndexerSpec> indexers() {
        return blocks(MixerSpec.class)
                .flatMap(mixer -> mixer.sparsity().stream())
                .flatMap(sparsity -> sparsity.indexer().stream());
    }

    /// Returns what indexers choose, the same in all layers; absent where there are none.
    public Optional<KeyBlocks> chosenKeys() {
        return indexers().map(indexer -> indexer.shape().blocks()).findFirst();
    }

    /// The choice is remembered once for all layers, and none is taken over before it was made.
    private static void requireChoices(List<LayerSpec> layers) {
        List<SparsitySpec> sparse = layers.stream()
                .flatMap(layer -> layer.blocks(MixerSpec.class))
                .flatMap(mixer -> mixer.sparsity().stream())
                .toList();
        boolean alike = sparse.stream().map(SparsitySpec::blocks).distinct().count() <= 1;
        if (!alike || (!sparse.isEmpty() && sparse.getFirst().indexer().isEmpty())) {
            throw new IllegalArgumentException("layers that read chosen keys: expected one kind of choice, and an"
                    + " indexer in the first, found otherwise");
        }
    }

    /// What reads and writes residual streams agrees on how many there are.
    private static void requireStreams(List<LayerSpec> layers, Head head) {
        Optional<Integer> streams = head.streams().map(HyperConnectionSpec::streams);
        boolean alike = layers.stream()
                .flatMap(layer -> layer.sublayers().stream())
                .map(sublayer -> sublayer.connection().map(HyperConnectionSpec::streams))
                .allMatch(streams::equals);
        if (!alike) {
            throw new IllegalArgumentException(
                    "residual streams: expected as many in each sublayer as in front of the head, found otherwise");
        }
    }

    /// Returns every matrix outside the routed experts, each once.
    public List<LinearSpec> denseLinears() {
        List<LinearSpec> linears = new ArrayList<>();
        linears.add(embedding.table());
        blocks(BlockSpec.class).forEach(block -> linears.addAll(block.linears()));
        connections().map(HyperConnectionSpec::mix).forEach(linears::add);
        if (!tiedEmbeddings()) {
            linears.add(head.linear());
        }
        mtp().ifPresent(mtp -> linears.addAll(mtp.linears()));
        vision().ifPresent(tower -> linears.addAll(tower.linears()));
        return linears;
    }

    /// Returns the matrices outside the experts that are read for each token that is generated: all but those of an
    /// encoder, of a layer for multi-token prediction and of a tower for images.
    public List<LinearSpec> linearsOfToken() {
        return linearsWithout(layers.subList(0, encoderLayers()));
    }

    /// Returns the matrices outside the experts that are read for a prompt: those of the encoder where there is one, as
    /// the decoder begins with a token or two, else what a token is generated with.
    public List<LinearSpec> linearsOfPrompt() {
        return encoder.isEmpty() ? linearsOfToken() : linearsWithout(layers.subList(encoderLayers(), layers.size()));
    }

    private List<LinearSpec> linearsWithout(List<LayerSpec> others) {
        List<LinearSpec> linears = new ArrayList<>(denseLinears());
        others.stream()
                .flatMap(layer -> layer.blocks(BlockSpec.class))
                .forEach(block -> linears.removeAll(block.linears()));
        mtp().ifPresent(mtp -> linears.removeAll(mtp.linears()));
        vision().ifPresent(tower -> linears.removeAll(tower.linears()));
        return linears;
    }

    /// Returns the matrices that stay in the checkpoint's precision whatever the quantisation: routers, the gates of
    /// shared experts, and what connects residual streams, which are small and decide which experts run.
    public List<LinearSpec> routingLinears() {
        return Stream.concat(
                        moeLayers().stream().flatMap(moe -> moe.routingLinears().stream()),
                        Stream.concat(
                                blocks(MixtureOfHeadsSpec.class)
                                        .map(heads -> heads.router().linear()),
                                connections().map(HyperConnectionSpec::mix)))
                .toList();
    }

    /// Returns every vector outside the routed experts, each once: biases, norms and whatever else blocks have.
    public List<VectorSpec> denseVectors() {
        Set<VectorSpec> vectors = new LinkedHashSet<>(); // layers may share one
        denseLinears().stream().map(LinearSpec::bias).flatMap(Optional::stream).forEach(vectors::add);
        if (tiedEmbeddings()) {
            head.linear().bias().ifPresent(vectors::add);
        }
        for (LayerSpec layer : layers) {
            for (SublayerSpec sublayer : layer.sublayers()) {
                sublayer.norms().forEach(norm -> vectors.addAll(norm.vectors()));
                vectors.addAll(sublayer.block().vectors());
            }
            layer.factor().ifPresent(vectors::add);
        }
        connections().forEach(connection -> vectors.addAll(connection.vectors()));
        vectors.addAll(finalNorm.vectors());
        encoder.ifPresent(present -> vectors.addAll(present.finalNorm().vectors()));
        mtp().ifPresent(mtp -> mtp.vectors().forEach(vectors::add));
        vision().ifPresent(tower -> vectors.addAll(tower.vectors()));
        return List.copyOf(vectors);
    }

    /// Returns this model with each token sent to `k` experts of every layer.
    ///
    /// @throws IllegalArgumentException if a layer has fewer
    public ModelSpec withExpertsPerToken(int k) {
        return new ModelSpec(
                family,
                sizes,
                embedding,
                layers.stream().map(layer -> layer.withExpertsPerToken(k)).toList(),
                finalNorm,
                head,
                encoder);
    }

    /// Returns the parameters of the whole model.
    public long totalParameters() {
        return denseParameters()
                + moeLayers().stream()
                        .flatMap(moe -> moe.experts().stream())
                        .mapToLong(DenseSpec::numParameters)
                        .sum();
    }

    /// Returns the parameters that are used for a token that is generated: neither the experts it is not sent to, nor
    /// an encoder, a layer for multi-token prediction or a tower for images.
    public long activeParameters() {
        ModelSpec passed = ofToken();
        return passed.denseParameters()
                + passed.moeLayers().stream()
                        .mapToLong(moe -> moe.numExpertsPerToken()
                                * moe.experts().getFirst().numParameters())
                        .sum();
    }

    /// Returns what a token of a text goes through.
    private ModelSpec ofToken() {
        List<LayerSpec> passed = layers.subList(encoderLayers(), numMainLayers());
        return new ModelSpec(
                family,
                sizes,
                embedding.with(Optional.empty()),
                passed,
                finalNorm,
                head.withoutMtp(),
                Optional.empty());
    }

    /// Returns the mixtures of experts in layer order.
    public List<MoeSpec> moeLayers() {
        return blocks(MoeSpec.class).toList();
    }

    /// Returns those that a token of a text goes through: not an encoder's, nor that of a layer for multi-token
    /// prediction.
    public List<MoeSpec> moeLayersOfToken() {
        return layers.subList(encoderLayers(), numMainLayers()).stream()
                .flatMap(layer -> layer.blocks(MoeSpec.class))
                .toList();
    }

    /// Returns how many experts a token is sent to in the layer with the most; 0 if none has experts.
    public int mostExpertsPerToken() {
        return moeLayers().stream().mapToInt(MoeSpec::numExpertsPerToken).max().orElse(0);
    }

    private long denseParameters() {
        return denseLinears().stream()
                        .mapToLong(linear -> (long) linear.rows() * linear.cols())
                        .sum()
                + denseVectors().stream().mapToLong(VectorSpec::size).sum();
    }
}
