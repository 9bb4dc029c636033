package io.moetier.runtime.model;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.lookahead.Lookahead;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.FlightEvents;
import io.moetier.runtime.metrics.LayerStepEvent;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.block.SequenceAttention;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.mixture.LayerContext;
import io.moetier.runtime.model.mixture.RoutersAhead;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Rows;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Sinusoids;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.runtime.offload.PrefetchTrial;
import io.moetier.storage.model.Phase;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/// A loaded model: embedding, layers, final norm, head. The layers of an encoder-decoder model are those of the
/// encoder, which has a norm of its own, and then those of the decoder.
///
/// Immutable but for the host tier it draws experts from; one forward pass at a time.
public final class MoeModel {
    private final ModelSpec spec;
    private final Device device;
    private final Counters counters;
    private final WeightMatrix embedding;
    private final List<DecoderLayer> layers;
    private final Map<RopeSpec, RopeTable> ropes = new HashMap<>();
    private final RoutersAhead routersAhead;
    private final List<SequenceAttention> sequenceBlocks;
    private final @Nullable Norm encoderNorm;
    private final @Nullable DeviceBuffer positions; // [maxPositionEmbeddings, hiddenSize]
    private final Norm finalNorm;
    private final Linear head;

    public MoeModel(ModelSpec spec, LayerContext context, PrefetchTrial prefetchTrial) {
        this.spec = spec;
        Weights weights = context.weights();
        routersAhead = new RoutersAhead(context.expertTiers(), prefetchTrial);
        device = context.device();
        counters = context.counters();
        embedding = Linear.load(spec.embedding(), weights).weight();
        BlockLoader loader = new BlockLoader(context, ropes, routersAhead);
        layers = new ArrayList<>();
        for (int i = 0; i < spec.layers().size(); i++) {
            if (i == spec.encoderLayers()) {
                routersAhead.beginDecoder();
            }
            layers.add(loader.layer(i, spec.layers().get(i), spec.hiddenSize()));
        }
        routersAhead.start();
        sequenceBlocks = loader.sequenceBlocks();
        encoderNorm = spec.encoder()
                .map(encoder -> Norm.load(encoder.finalNorm(), weights))
                .orElse(null);
        positions = spec.positions()
                .map(sinusoids -> Sinusoids.table(sinusoids, spec.maxPositionEmbeddings(), device))
                .orElse(null);
        finalNorm = Norm.load(spec.finalNorm(), weights);
        head = Linear.load(spec.head(), weights);
    }

    /// Computes the rotations of the first `positions` positions now, so that decoding up to there need not.
    public void reservePositions(int positions) {
        for (RopeTable rope : ropes.values()) {
            rope.reserve(positions);
            rope.ofText(positions).reserve(positions);
        }
    }

    /// Returns what was guessed of the layers' choices.
    public Lookahead lookahead() {
        return routersAhead.lookahead();
    }

    /// Returns what this model computes.
    public ModelSpec spec() {
        return spec;
    }

    /// Allocates the buffers for batches of at most `batch` tokens.
    ///
    /// @param arena of the device, owns them
    public Workspace newWorkspace(int batch, Arena arena) {
        return new Workspace(spec, device, arena, batch);
    }

    /// Runs `n` tokens of `tokens`, at most one batch, at positions `firstPosition` and on; the final hidden states
    /// are left, normalised, in the workspace.
    ///
    /// @throws CancellationException if the workspace's supplier says so before a layer; the cache then holds parts
    ///     of these positions, which the next pass over them overwrites, and states that [KvCache#resume] mends
    /// @throws IllegalStateException if the cache's states are not those after the token before `firstPosition`
    public void forward(
            int[] tokens, int from, int n, int firstPosition, Phase phase, KvCache cache, Workspace workspace) {
        Kernels kernels = device.kernels();
        workspace.n = n;
        workspace.firstPosition = firstPosition;
        workspace.phase = phase;
        cache.begin(firstPosition, n);
        embed(tokens, from, workspace, false);
        run(spec.encoderLayers(), layers.size(), cache, workspace);
        cache.finish(firstPosition + n);
        workspace.activity.enter(Section.HEAD);
        finalNorm.apply(kernels, workspace.hidden, n, workspace.normed);
    }

    /// Encodes `tokens`, which the workspace must have room for, and keeps in the cache what the decoder
    /// needs of it.
    ///
    /// @throws IllegalStateException if the model has no encoder
    public void encode(int[] tokens, KvCache cache, Workspace workspace) {
        if (encoderNorm == null) {
            throw new IllegalStateException(spec.family() + " has no encoder");
        }
        Kernels kernels = device.kernels();
        workspace.n = tokens.length;
        workspace.firstPosition = 0;
        workspace.phase = Phase.PREFILL;
        cache.sequences().beginInput(tokens.length);
        embed(tokens, 0, workspace, true);
        run(0, spec.encoderLayers(), cache, workspace);
        encoderNorm.apply(kernels, workspace.hidden, workspace.n, workspace.normed);
        for (SequenceAttention block : sequenceBlocks) {
            block.remember(kernels, workspace, cache.sequences());
        }
    }

    private void embed(int[] tokens, int from, Workspace workspace, boolean encoder) {
        Kernels kernels = device.kernels();
        int n = workspace.n;
        workspace.activity = counters.activity();
        workspace.activity.enter(Section.EMBEDDING);
        kernels.embed(embedding, tokens, from, n, workspace.hidden);
        if (spec.embeddingMultiplier() != 1) {
            kernels.scale(workspace.hidden, n * spec.hiddenSize(), spec.embeddingMultiplier());
        }
        if (positions != null) {
            kernels.addRows(positions, workspace.firstPosition, null, n, spec.hiddenSize(), workspace.hidden);
        }
        MixtureObserver observer = workspace.observer();
        if (observer != null) {
            Rows rows = workspace.rows(workspace.hidden, n, spec.hiddenSize());
            observer.onEmbedding(encoder, workspace.firstPosition, rows);
        }
    }

    private void run(int first, int end, KvCache cache, Workspace workspace) {
        for (int i = first; i < end; i++) {
            if (workspace.cancelled.getAsBoolean()) {
                throw new CancellationException("cancelled before layer " + i);
            }
            LayerStepEvent event = FlightEvents.startLayerStep(i, workspace.phase, workspace.n);
            workspace.activity.onLayer(i);
            layers.get(i).forward(device.kernels(), workspace, cache);
            FlightEvents.finish(event);
        }
    }

    /// Computes the logits of `n` rows of the last forward pass from row `row` on.
    ///
    /// @param out [n, vocabSize]
    public void logits(Workspace workspace, int row, int n, DeviceBuffer out) {
        Kernels kernels = device.kernels();
        kernels.matmul(head.weight(), workspace.normed, row, n, out, 0);
        head.addBias(kernels, out, n);
        if (spec.logitsMultiplier() != 1) {
            kernels.scale(out, n * spec.vocabSize(), spec.logitsMultiplier());
        }
    }
}
