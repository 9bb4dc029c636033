package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.QkNormSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.Optional;
import java.util.function.Supplier;

/// Describes grouped-query attention: what most families have, and how one differs.
public final class GroupedAttention {
    private final FamilyConfig config;
    private final String prefix;
    private final int numHeads;
    private final int numKeyValueHeads;
    private final int headDim;
    private final int queryWidth; // of all heads together
    private final int keyWidth;
    private int valueDim;
    private String query = "q_proj";
    private String key = "k_proj";
    private String value = "v_proj";
    private String output = "o_proj";
    private Optional<String> fused = Optional.empty();
    private boolean inputBias;
    private boolean outputBias;
    private float scale;
    private float valueScale = 1;
    private int window;
    private int chunk;
    private boolean wholeImages;
    private Optional<VectorSpec> sinks = Optional.empty();
    private Optional<TemperatureSpec> temperature = Optional.empty();
    private float clip;
    private Optional<QkNormSpec> qkNorm = Optional.empty();
    private Optional<NormSpec> valueNorm = Optional.empty();
    private boolean sharesKeys;
    private Optional<LinearSpec> gate = Optional.empty();
    private boolean gateAfterQuery;
    private Optional<SparsitySpec> sparsity = Optional.empty();
    private Supplier<Optional<RopeSpec>> rope;

    private GroupedAttention(Layer layer, String name) {
        config = layer.config();
        prefix = layer.name(name) + ".";
        numHeads = config.numHeads();
        numKeyValueHeads = config.numKeyValueHeads();
        headDim = config.headDim();
        queryWidth = config.times(numHeads, "head_dim", headDim);
        keyWidth = config.times(numKeyValueHeads, "head_dim", headDim);
        valueDim = headDim;
        scale = (float) (1 / Math.sqrt(headDim));
        rope = () -> Optional.of(config.rope());
    }

    /// Starts from `name.{q,k,v,o}_proj` without bias, rotated whole heads and scores divided by the root of their
    /// size.
    public static GroupedAttention of(Layer layer, String name) {
        return new GroupedAttention(layer, name);
    }

    /// Sets what the projections are called.
    public GroupedAttention named(String newQuery, String newKey, String newValue, String newOutput) {
        query = newQuery;
        key = newKey;
        value = newValue;
        output = newOutput;
        return this;
    }

    /// Sets that the rows of queries, keys and values follow each other in one matrix.
    public GroupedAttention fused(String newFused, String newOutput) {
        fused = Optional.of(prefix + newFused + ".weight");
        output = newOutput;
        return this;
    }

    /// Sets how many elements a value has, where they are not as many as those of a key.
    public GroupedAttention valueDim(int elements) {
        valueDim = elements;
        return this;
    }

    /// Sets what values are multiplied by.
    public GroupedAttention valueScale(float factor) {
        valueScale = factor;
        return this;
    }

    /// Says which projections have a bias: queries, keys and values; the output.
    public GroupedAttention bias(boolean input, boolean ofOutput) {
        inputBias = input;
        outputBias = ofOutput;
        return this;
    }

    /// Normalises each head of queries and keys.
    public GroupedAttention normPerHead(String queryNorm, String keyNorm) {
        return norm(config.rms(prefix + queryNorm, headDim), config.rms(prefix + keyNorm, headDim), true);
    }

    /// Normalises each head of queries and keys, by factors stored as their distance from 1.
    public GroupedAttention zeroCentredNormPerHead(String queryNorm, String keyNorm) {
        return norm(
                config.zeroCentredRms(prefix + queryNorm, headDim),
                config.zeroCentredRms(prefix + keyNorm, headDim),
                true);
    }

    /// Normalises all heads of queries, and of keys, together.
    public GroupedAttention normWhole(String queryNorm, String keyNorm) {
        return norm(config.rms(prefix + queryNorm, queryWidth), config.rms(prefix + keyNorm, keyWidth), false);
    }

    private GroupedAttention norm(NormSpec ofQuery, NormSpec ofKey, boolean perHead) {
        qkNorm = Optional.of(new QkNormSpec(ofQuery, ofKey, perHead, false));
        return this;
    }

    /// Normalises queries and keys after their rotation instead of before.
    public GroupedAttention normAfterRope() {
        qkNorm = qkNorm.map(norms -> new QkNormSpec(norms.query(), norms.key(), norms.perHead(), true));
        return this;
    }

    /// Multiplies the heads' results by the sigmoid of a linear map of the input, called `name`.
    public GroupedAttention gate(String name) {
        return gate(LinearSpec.named(prefix + name, resultWidth(), config.hiddenSize(), false));
    }

    /// Multiplies each head's result by the sigmoid of its element of a linear map of the input, called `name`.
    public GroupedAttention gateByHead(String name) {
        return gate(LinearSpec.named(prefix + name, numHeads, config.hiddenSize(), false));
    }

    /// Multiplies the heads' results by the sigmoid of a linear map of the input.
    public GroupedAttention gate(LinearSpec linear) {
        gate = Optional.of(linear);
        return this;
    }

    /// Multiplies the heads' results by the sigmoid of what the projection of queries gives each head after its query.
    public GroupedAttention gateAfterQuery() {
        gateAfterQuery = true;
        return this;
    }

    /// Sets how many keys a query sees, 0 for all.
    public GroupedAttention window(int keys) {
        window = keys;
        return this;
    }

    /// Cuts positions into chunks that do not see each other; 0 for one.
    public GroupedAttention chunk(int positions) {
        chunk = positions;
        return this;
    }

    /// Says whether the tokens of an image see all of it, those behind them too.
    public GroupedAttention wholeImages(boolean whole) {
        wholeImages = whole;
        return this;
    }

    /// Adds a logit without a key to each head's softmax, those of the vector `name`.
    public GroupedAttention sinks(String name) {
        sinks = Optional.of(VectorSpec.of(prefix + name, numHeads));
        return this;
    }

    /// Multiplies queries by a factor that grows with their position.
    public GroupedAttention temperature(Optional<TemperatureSpec> factors) {
        temperature = factors;
        return this;
    }

    /// Normalises each head of queries and keys by its root mean square alone.
    public GroupedAttention normPerHeadWithoutWeight() {
        NormSpec norm = NormSpec.rmsWithoutWeight(headDim, config.eps());
        return norm(norm, norm, true);
    }

    /// Normalises each head of values by its root mean square alone.
    public GroupedAttention valueNormWithoutWeight() {
        valueNorm = Optional.of(NormSpec.rmsWithoutWeight(valueDim, config.eps()));
        return this;
    }

    /// Says whether there is no projection of values: they are what that of keys gives.
    public GroupedAttention keysAsValues(boolean shared) {
        sharesKeys = shared;
        return this;
    }

    /// Limits queries, keys and values to `-limit .. limit`; 0 for no limit.
    public GroupedAttention clip(double limit) {
        clip = (float) limit;
        return this;
    }

    /// Sets what scores are multiplied by.
    public GroupedAttention scale(float factor) {
        scale = factor;
        return this;
    }

    /// Has queries read the keys that are chosen.
    public GroupedAttention sparsity(Optional<SparsitySpec> choice) {
        sparsity = choice;
        return this;
    }

    /// Sets how queries and keys are rotated; empty for not at all.
    public GroupedAttention rope(Optional<RopeSpec> rotation) {
        rope = () -> rotation;
        return this;
    }

    private int valueWidth() {
        return config.times(numKeyValueHeads, "v_head_dim", valueDim);
    }

    private int resultWidth() {
        return config.times(numHeads, "v_head_dim", valueDim);
    }

    private LinearSpec input(String name, int firstRow, int rows) {
        int hiddenSize = config.hiddenSize();
        LinearSpec linear = LinearSpec.named(prefix + name, rows, hiddenSize, inputBias);
        return fused.map(tensor -> linear.at(Stack.single(tensor, queryWidth + keyWidth + valueWidth(), hiddenSize)
                        .rows(0, firstRow, 1)))
                .orElse(linear);
    }

    /// Returns the block.
    public AttentionSpec spec() {
        int hiddenSize = config.hiddenSize();
        LinearSpec queries = input(query, 0, queryWidth);
        if (gateAfterQuery) {
            Sections heads = Sections.grouped(prefix + query, 2 * queryWidth, hiddenSize, numHeads, inputBias);
            queries = heads.next("query", queryWidth);
            gate = Optional.of(heads.next("gate", queryWidth));
        }
        return new AttentionSpec(
                new ProjectionsSpec(
                        queries,
                        input(key, queryWidth, keyWidth),
                        sharesKeys
                                ? input(key, queryWidth, keyWidth)
                                : input(value, queryWidth + keyWidth, valueWidth()),
                        LinearSpec.named(prefix + output, hiddenSize, resultWidth(), outputBias)),
                new HeadsSpec(numHeads, numKeyValueHeads, headDim, valueDim, scale),
                new AttentionSpec.Mask(window, chunk, wholeImages),
                new AttentionSpec.Preparation(qkNorm, valueNorm, valueScale, clip, rope.get(), temperature),
                gate,
                sinks,
                sparsity);
    }
}
