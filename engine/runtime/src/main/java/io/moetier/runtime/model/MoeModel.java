package io.moetier.runtime.model;

import io.moetier.kernels.device.Activation;
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
import io.moetier.runtime.model.block.HyperConnection;
import io.moetier.runtime.model.block.SequenceAttention;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.mixture.LayerContext;
import io.moetier.runtime.model.mixture.RoutersAhead;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.Rows;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.vision.Sight;
import io.moetier.runtime.model.vision.VisionTower;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Sinusoids;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.runtime.offload.PrefetchTrial;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
    private final int longestShortText;
    private final RoutersAhead routersAhead;
    private final List<SequenceAttention> sequenceBlocks;
    private final @Nullable Norm encoderNorm;
    private final @Nullable DeviceBuffer positions; // [maxPositionEmbeddings, hiddenSize]
    private final @Nullable VisionTower tower;
    private final @Nullable HyperConnection merger; // of several residual streams
    private final Norm finalNorm;
    private final Linear head;
    private final @Nullable Mtp mtp; // around the last layer

    public MoeModel(ModelSpec spec, LayerContext context, PrefetchTrial prefetchTrial) {
        this.spec = spec;
        Weights weights = context.weights();
        routersAhead = new RoutersAhead(context.expertTiers(), prefetchTrial);
        device = context.device();
        counters = context.counters();
        embedding = Linear.load(spec.embedding().table(), weights).weight();
        BlockLoader loader = new BlockLoader(context, ropes, routersAhead);
        layers = new ArrayList<>();
        for (int i = 0; i < spec.layers().size(); i++) {
            if (i == spec.encoderLayers()) {
                routersAhead.beginDecoder();
            }
            if (i == spec.numMainLayers()) {
                routersAhead.end();
            }
            layers.add(loader.layer(i, spec.layers().get(i), spec.hiddenSize()));
        }
        longestShortText =
                ropes.values().stream().mapToInt(RopeTable::longestText).min().orElse(Integer.MAX_VALUE);
        routersAhead.start();
        sequenceBlocks = loader.sequenceBlocks();
        encoderNorm = spec.encoder()
                .map(encoder -> Norm.load(encoder.finalNorm(), weights))
                .orElse(null);
        positions = spec.embedding()
                .positions()
                .map(sinusoids -> Sinusoids.table(sinusoids, spec.maxPositionEmbeddings(), device))
                .orElse(null);
        tower = spec.vision()
                .map(vision -> new VisionTower(vision, spec.hiddenSize(), weights, device))
                .orElse(null);
        merger = spec.head()
                .streams()
                .map(streams -> HyperConnection.load(streams, weights))
                .orElse(null);
        finalNorm = Norm.load(spec.finalNorm(), weights);
        head = Linear.load(spec.head().linear(), weights);
        mtp = spec.mtp().map(around -> Mtp.load(around, weights)).orElse(null);
    }

    /// Computes the rotations of the first `positions` positions now, so that decoding up to there need not.
    public void reservePositions(int positions) {
        ropes.forEach((key, rope) -> {
            rope.reserve(key.rows(Math.min(positions, rope.longestText())));
            rope.ofText(positions).reserve(key.rows(positions));
        });
    }

    /// Returns the bytes of what is computed once for all texts of up to so many positions, by the positions alone.
    public static long positionBytes(ModelSpec spec, int positions) {
        long sinusoids = spec.embedding().positions().isPresent()
                ? (long) Float.BYTES * spec.maxPositionEmbeddings() * spec.hiddenSize()
                : 0;
        return sinusoids
                + spec.rotations().mapToLong(rope -> rope.bytes(positions)).sum();
    }

    /// Returns the bytes that this takes in main memory now, where the device reads that.
    public long positionBytes() {
        return (positions == null ? 0 : (long) Float.BYTES * positions.length())
                + ropes.values().stream().mapToLong(RopeTable::byteSize).sum();
    }

    /// Says whether the tokens of a text of `length` are rotated otherwise than those of a short one (LongRoPE).
    public boolean isLong(int length) {
        return length > longestShortText;
    }

    /// Returns what was guessed of the layers' choices.
    public Lookahead lookahead() {
        return routersAhead.lookahead();
    }

    /// Returns what this model computes.
    public ModelSpec spec() {
        return spec;
    }

    /// Returns what reads images, if the model has it.
    public Optional<VisionTower> tower() {
        return Optional.ofNullable(tower);
    }

    /// Allocates the buffers for batches of at most `batch` tokens.
    ///
    /// @param arena of the device, owns them
    public Workspace newWorkspace(int batch, Arena arena) {
        return new Workspace(spec, device, arena, batch);
    }

    /// Runs the tokens of a pass, at most one batch, which are those of `tokens` from index `from` on; the final hidden
    /// states are left, normalised, in the workspace.
    ///
    /// @throws CancellationException if the pass is cancelled before a layer; the cache then holds parts of its
    ///     positions, which the next pass over them overwrites, and states that [KvCache#resume] mends
    /// @throws IllegalStateException if the cache's states are not those after the token before the first
    public void forward(int[] tokens, int from, Pass pass, KvCache cache, Workspace workspace) {
        cache.begin(pass.firstPosition(), pass.n());
        routersAhead.begin(false, pass.n());
        embed(tokens, from, pass, workspace, false);
        run(spec.encoderLayers(), spec.numMainLayers(), pass, cache, workspace);
        cache.finish(pass.firstPosition() + pass.n());
        pass.activity().enter(Section.HEAD);
        DeviceBuffer last = workspace.block().in();
        DeviceBuffer x = workspace.residual();
        if (merger != null) {
            merger.read(device.kernels(), x, pass.n(), workspace.streams(), last);
            x = last;
        }
        finalNorm.apply(device.kernels(), x, pass.n(), last);
    }

    /// Runs the layer for multi-token prediction on the rows of the last forward pass: for each of them, with the token
    /// behind it, the state of which [#logits] makes the logits of the token behind both is left in the workspace.
    ///
    /// @param tokens in which those behind the rows are, from index `from` on
    /// @param pass over the rows, or the first of them
    public void predictFurther(int[] tokens, int from, Pass pass, KvCache cache, Workspace workspace) {
        Mtp around = Objects.requireNonNull(mtp);
        Kernels kernels = device.kernels();
        int n = pass.n();
        DeviceBuffer hidden = workspace.block().in();
        DeviceBuffer embedded = workspace.block().out();
        pass.follow(counters.activity());
        pass.read(tokens, from);
        pass.activity().enter(Section.EMBEDDING);
        lookUp(tokens, from, n, embedded);
        around.join(kernels, embedded, hidden, n, workspace.residual());
        run(spec.numMainLayers(), layers.size(), pass, cache, workspace);
        pass.activity().enter(Section.HEAD);
        around.finalNorm().apply(kernels, workspace.residual(), n, hidden);
    }

    /// Encodes the tokens of a pass from position 0 on, all that there are, and keeps in the cache what the decoder
    /// needs of them.
    ///
    /// @throws IllegalStateException if the model has no encoder
    public void encode(int[] tokens, Pass pass, KvCache cache, Workspace workspace) {
        if (encoderNorm == null) {
            throw new IllegalStateException(spec.family() + " has no encoder");
        }
        Kernels kernels = device.kernels();
        DeviceBuffer encoded = workspace.block().in();
        cache.sequences().beginInput(tokens.length);
        routersAhead.begin(true, pass.n());
        embed(tokens, 0, pass, workspace, true);
        run(0, spec.encoderLayers(), pass, cache, workspace);
        encoderNorm.apply(kernels, workspace.residual(), pass.n(), encoded);
        for (SequenceAttention block : sequenceBlocks) {
            block.remember(kernels, encoded, pass.n(), cache.sequences());
        }
    }

    private void embed(int[] tokens, int from, Pass pass, Workspace workspace, boolean encoder) {
        Kernels kernels = device.kernels();
        int n = pass.n();
        DeviceBuffer rows =
                merger == null ? workspace.residual() : workspace.block().in();
        pass.follow(counters.activity());
        pass.read(tokens, from);
        pass.activity().enter(Section.EMBEDDING);
        lookUp(tokens, from, n, rows);
        if (positions != null) {
            kernels.addRows(positions, pass.firstPosition(), null, n, spec.hiddenSize(), rows);
        }
        if (pass.sight().isAmong(pass.firstPosition(), n)) {
            pass.sight().embed(kernels, new Sight.Rows(pass.firstPosition(), n, spec.hiddenSize(), rows));
        }
        if (merger != null) {
            kernels.scaleRows(rows, workspace.ones(), n, spec.numStreams(), spec.hiddenSize(), workspace.residual());
        }
        MixtureObserver observer = pass.observer();
        if (observer != null) {
            Rows shown = workspace.block().rows(rows, n, spec.hiddenSize());
            observer.onEmbedding(encoder, pass.firstPosition(), shown);
        }
    }

    private void lookUp(int[] tokens, int from, int n, DeviceBuffer rows) {
        device.kernels().embed(embedding, tokens, from, n, rows);
        if (spec.embedding().factor() != 1) {
            device.kernels().scale(rows, n * spec.hiddenSize(), spec.embedding().factor());
        }
    }

    private void run(int first, int end, Pass pass, KvCache cache, Workspace workspace) {
        for (int i = first; i < end; i++) {
            pass.goOn(i);
            LayerStepEvent event = FlightEvents.startLayerStep(i, pass.phase(), pass.n());
            pass.activity().onLayer(i);
            layers.get(i).forward(device.kernels(), pass, workspace, cache);
            addBehind(i, pass, workspace);
            FlightEvents.finish(event);
        }
    }

    private void addBehind(int layer, Pass pass, Workspace workspace) {
        if (pass.sight().isAmong(pass.firstPosition(), pass.n())) {
            Sight.Rows rows = new Sight.Rows(pass.firstPosition(), pass.n(), spec.hiddenSize(), workspace.residual());
            pass.sight()
                    .addBehind(
                            layer,
                            device.kernels(),
                            rows,
                            workspace.block().in(),
                            workspace.block().out());
        }
    }

    /// Computes the logits of `n` rows of the last forward pass from row `row` on.
    ///
    /// @param out [n, vocabSize]
    public void logits(Workspace workspace, int row, int n, DeviceBuffer out) {
        Kernels kernels = device.kernels();
        kernels.matmul(head.weight(), workspace.block().in(), row, n, out, 0);
        head.addBias(kernels, out, n);
        if (spec.head().factor() != 1) {
            kernels.scale(out, n * spec.vocabSize(), spec.head().factor());
        }
        float cap = spec.head().softCap();
        if (cap > 0) {
            kernels.scale(out, n * spec.vocabSize(), 1 / cap);
            kernels.activate(out, n * spec.vocabSize(), Activation.TANH);
            kernels.scale(out, n * spec.vocabSize(), cap);
        }
    }
}
