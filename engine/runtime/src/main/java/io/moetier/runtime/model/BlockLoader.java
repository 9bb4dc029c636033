package io.moetier.runtime.model;

import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.block.Attention;
import io.moetier.runtime.model.block.Block;
import io.moetier.runtime.model.block.ChosenKeys;
import io.moetier.runtime.model.block.CompressedAttention;
import io.moetier.runtime.model.block.Compressor;
import io.moetier.runtime.model.block.DenseFeedForward;
import io.moetier.runtime.model.block.GatedDelta;
import io.moetier.runtime.model.block.HyperConnection;
import io.moetier.runtime.model.block.IndexKeys;
import io.moetier.runtime.model.block.Indexer;
import io.moetier.runtime.model.block.LatentAttention;
import io.moetier.runtime.model.block.LightningAttention;
import io.moetier.runtime.model.block.Mamba;
import io.moetier.runtime.model.block.Mamba2;
import io.moetier.runtime.model.block.SequenceAttention;
import io.moetier.runtime.model.block.ShortConvolution;
import io.moetier.runtime.model.mixture.HeadMixture;
import io.moetier.runtime.model.mixture.LayerContext;
import io.moetier.runtime.model.mixture.MoeBlock;
import io.moetier.runtime.model.mixture.RoutersAhead;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.BlockSpec;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.CompressorSpec;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.GatedDeltaSpec;
import io.moetier.runtime.model.spec.IndexKeysSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.LightningSpec;
import io.moetier.runtime.model.spec.Mamba2Spec;
import io.moetier.runtime.model.spec.MambaSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.RecurrentSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.ShortConvolutionSpec;
import io.moetier.runtime.model.spec.SparsitySpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.weight.ExpertKinds;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Loads the layers of one model, first to last.
final class BlockLoader {
    private static final int ENTRIES_STATE = 0; // of compressed attention
    private static final int INDEX_STATE = 1;

    private final LayerContext context;
    private final Weights weights;
    private final Map<RopeSpec, RopeTable> ropes;
    private final RoutersAhead routersAhead;
    private final ExpertKinds experts = new ExpertKinds();
    private int keyValueBlocks;
    private int blocksWithStates;
    private int compressedBlocks;
    private int latentBlocks;
    private int indexers;
    private final List<SequenceAttention> sequenceBlocks = new ArrayList<>();

    /// @param ropes receives the rotations, each once
    BlockLoader(LayerContext context, Map<RopeSpec, RopeTable> ropes, RoutersAhead routersAhead) {
        this.context = context;
        this.weights = context.weights();
        this.ropes = ropes;
        this.routersAhead = routersAhead;
    }

    /// Returns the blocks of an encoder-decoder model's attention, in order.
    List<SequenceAttention> sequenceBlocks() {
        return sequenceBlocks;
    }

    DecoderLayer layer(int layer, LayerSpec layerSpec, int hiddenSize) {
        List<Sublayer> sublayers = new ArrayList<>();
        for (SublayerSpec sublayer : layerSpec.sublayers()) {
            @Nullable Norm norm = sublayer.norm().map(this::norm).orElse(null);
            @Nullable
            HyperConnection connection = sublayer.connection()
                    .map(spec -> HyperConnection.load(spec, weights))
                    .orElse(null);
            sublayers.add(new Sublayer(
                    norm,
                    block(layer, sublayer.block(), norm, connection),
                    sublayer.postNorm().map(this::norm).orElse(null),
                    sublayer.residual(),
                    sublayer.sumNorm().map(this::norm).orElse(null),
                    connection,
                    hiddenSize));
        }
        return new DecoderLayer(
                sublayers,
                layerSpec.factor().map(factor -> weights.vector(factor)[0]).orElse(1f));
    }

    private Block block(int layer, BlockSpec spec, @Nullable Norm norm, @Nullable HyperConnection connection) {
        return switch (spec) {
            case AttentionSpec attention ->
                new Attention(
                        keyValueBlocks++,
                        attention,
                        weights,
                        attention.preparation().rope().map(this::rope).orElse(null),
                        attention.sparsity().map(this::choice).orElse(null));
            case SequenceAttentionSpec attention -> sequence(attention);
            case RecurrentSpec recurrent -> recurrent(blocksWithStates++, recurrent);
            case CompressedAttentionSpec attention -> compressed(attention);
            case LatentAttentionSpec attention ->
                new LatentAttention(
                        latentBlocks++,
                        attention,
                        weights,
                        attention.rope().map(this::rope).orElse(null),
                        attention.sparsity().map(this::choice).orElse(null));
            case MixtureOfHeadsSpec heads ->
                new HeadMixture(layer, keyValueBlocks++, heads, weights, rope(heads.rope()));
            case DenseSpec dense -> new DenseFeedForward(dense, weights);
            case MoeSpec moe ->
                new MoeBlock(
                        layer,
                        moe,
                        norm,
                        connection,
                        experts.of(
                                context.layoutOf().apply(layer),
                                moe.experts().getFirst().activation()),
                        context,
                        routersAhead);
        };
    }

    private ChosenKeys choice(SparsitySpec spec) {
        return new ChosenKeys(
                spec,
                spec.indexer()
                        .map(indexer ->
                                new Indexer(indexers++, indexer, indexKeys(indexer), weights, rope(indexer.rope())))
                        .orElse(null));
    }

    private IndexKeys indexKeys(IndexerSpec spec) {
        return switch (spec.keys()) {
            case IndexKeysSpec.OfPositions keys -> new IndexKeys.OfPositions(keys, weights, rope(spec.rope()));
            case CompressorSpec keys -> new IndexKeys.OfEntries(compressor(INDEX_STATE, keys));
        };
    }

    /// The block whose state it has part of has been counted.
    private Compressor compressor(int part, CompressorSpec spec) {
        return new Compressor(blocksWithStates - 1, part, spec, weights, rope(spec.rope()));
    }

    private Block compressed(CompressedAttentionSpec spec) {
        blocksWithStates += spec.states().isEmpty() ? 0 : 1;
        return new CompressedAttention(
                compressedBlocks++,
                spec,
                weights,
                new CompressedAttention.Rotations(
                        rope(spec.rope()), rope(spec.rope().back())),
                spec.entries()
                        .map(entries -> compressor(ENTRIES_STATE, entries.compressor()))
                        .orElse(null),
                spec.sparsity().map(this::choice).orElse(null));
    }

    private Block sequence(SequenceAttentionSpec spec) {
        SequenceAttention block = new SequenceAttention(sequenceBlocks.size(), spec, weights, context.device());
        sequenceBlocks.add(block);
        return block;
    }

    private Block recurrent(int number, RecurrentSpec spec) {
        return switch (spec) {
            case ShortConvolutionSpec convolution -> new ShortConvolution(number, convolution, weights);
            case MambaSpec mamba -> new Mamba(number, mamba, weights);
            case Mamba2Spec mamba -> new Mamba2(number, mamba, weights);
            case GatedDeltaSpec delta -> new GatedDelta(number, delta, weights);
            case LightningSpec lightning -> new LightningAttention(number, lightning, weights);
        };
    }

    private Norm norm(NormSpec spec) {
        return Norm.load(spec, weights);
    }

    private RopeTable rope(RopeSpec spec) {
        return ropes.computeIfAbsent(spec, key -> table(key));
    }

    private static RopeTable table(RopeSpec spec) {
        RopeTable table = RopeTable.of(spec.rotaryDim(), spec.theta(), spec.interleaved(), spec.scaling());
        int step = spec.step();
        return step == 1 ? table : table.along((row, pair) -> row * step);
    }
}
