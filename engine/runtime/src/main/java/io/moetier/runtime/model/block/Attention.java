package io.moetier.runtime.model.block;

import io.moetier.kernels.device.Activation;
import io.moetier.kernels.device.AttentionShape;
import io.moetier.kernels.device.AttentionSinks;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.AttentionSpec.Preparation;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.RopeSpec;
import io.moetier.runtime.model.spec.TemperatureSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Projections;
import io.moetier.runtime.model.weight.Weights;
import org.jspecify.annotations.Nullable;

/// Causal grouped-query attention with rotary positions (Ainslie et al. 2023; Su et al. 2021).
public final class Attention implements Block {
    private static final int QUERY = 0; // of the intermediate results
    private static final int KEY = 1;
    private static final int VALUE = 2;
    private static final int HEADS = 3;
    private static final int GATE = 4;
    private static final int INDEX = 5; // and on: those of an indexer
    private static final int ROW_OF_IMAGE = 5; // without an indexer
    private static final int HEADS_OF_ROW = 6;

    private final int number;
    private final Projections queryKeyValue;
    private final boolean sharesKeys;
    private final @Nullable Norm valueNorm;
    private final @Nullable Linear gate;
    private final boolean gatedByHead;
    private final Linear outputProjection;
    private final @Nullable Norm queryNorm;
    private final @Nullable Norm keyNorm;
    private final boolean normPerHead;
    private final boolean normAfterRope;
    private final float valueScale;
    private final float clip;
    private final AttentionShape shape;
    private final boolean wholeImages;
    private final @Nullable RopeTable rope;
    private final int[] axes; // of an image, by which pairs are rotated
    private final @Nullable TemperatureSpec temperature;
    private final @Nullable ChosenKeys chosen;

    /// @param number of the blocks with keys and values
    /// @param rope rotations of the spec, shared by all layers that have the same
    /// @param chosen which keys are read; null for all
    public Attention(
            int number, AttentionSpec spec, Weights weights, @Nullable RopeTable rope, @Nullable ChosenKeys chosen) {
        this.number = number;
        this.chosen = chosen;
        ProjectionsSpec projections = spec.projections();
        HeadsSpec heads = spec.heads();
        Preparation preparation = spec.preparation();
        sharesKeys = spec.sharesKeys();
        queryKeyValue = new Projections(projections.inputs().stream() // the last are the values
                .limit(sharesKeys ? VALUE : VALUE + 1)
                .map(linear -> Linear.load(linear, weights))
                .toList());
        valueNorm =
                preparation.valueNorm().map(norm -> Norm.load(norm, weights)).orElse(null);
        gate = spec.gate().map(linear -> Linear.load(linear, weights)).orElse(null);
        gatedByHead = spec.isGatedByHead();
        outputProjection = Linear.load(projections.output(), weights);
        queryNorm =
                preparation.qkNorm().map(qk -> Norm.load(qk.query(), weights)).orElse(null);
        keyNorm = preparation.qkNorm().map(qk -> Norm.load(qk.key(), weights)).orElse(null);
        normPerHead = preparation.qkNorm().map(qk -> qk.perHead()).orElse(false);
        normAfterRope = preparation.qkNorm().map(qk -> qk.afterRope()).orElse(false);
        valueScale = preparation.valueScale();
        clip = preparation.clip();
        shape = new AttentionShape(
                        heads.numHeads(),
                        heads.numKeyValueHeads(),
                        heads.headDim(),
                        heads.scale(),
                        spec.mask().slidingWindow())
                .withValueDim(heads.valueDim())
                .withChunk(spec.mask().chunk())
                .withSinks(spec.sinks()
                        .map(weights::vector)
                        .map(AttentionSinks::new)
                        .orElse(null));
        wholeImages = spec.mask().wholeImages();
        temperature = preparation.temperature().orElse(null);
        this.rope = rope;
        axes = preparation.rope().map(RopeSpec::axes).orElse(new int[0]);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        int n = pass.n();
        int firstPosition = pass.firstPosition();
        DeviceBuffer[] results = buffers.intermediates();
        queryKeyValue.apply(kernels, buffers.in(), n, results);
        prepareValues(kernels, results, n);
        if (!normAfterRope) {
            normalise(kernels, results, n);
        }
        clip(kernels, results, n);
        rotate(kernels, results, n, firstPosition, pass);
        if (normAfterRope) {
            normalise(kernels, results, n);
        }
        QueryTemperature.apply(temperature, kernels, pass, buffers, results[QUERY], shape.numHeads() * shape.headDim());
        KvLayer layer = cache.layer(number);
        kernels.storeKv(results[KEY], results[VALUE], n, firstPosition, layer);
        KeyChoice choice = chosen == null ? null : chosen.choose(kernels, pass, buffers, buffers.in(), INDEX, cache);
        kernels.attention(results[QUERY], n, firstPosition, shape, layer, choice, results[HEADS]);
        if (wholeImages && pass.sight().isAmong(firstPosition, n)) {
            attendToImages(kernels, pass, results, layer);
        }
        outputProjection.apply(kernels, gated(kernels, buffers.in(), results, n), n, buffers.out());
    }

    /// A query of an image sees what one at the image's end would whose window was as much wider.
    private void attendToImages(Kernels kernels, Pass pass, DeviceBuffer[] results, KvLayer layer) {
        int width = shape.numHeads() * shape.headDim();
        int resultWidth = shape.numHeads() * shape.valueDim();
        int[] here = new int[1];
        int[] first = new int[1];
        for (int i = 0; i < pass.n(); i++) {
            int position = pass.firstPosition() + i;
            int last = pass.sight().lastSeenWith(position);
            if (last > position) {
                here[0] = i;
                kernels.copyRows(results[QUERY], here, first, 0, 1, width, results[ROW_OF_IMAGE]);
                AttentionShape wider = shape.withWiderWindow(last - position);
                kernels.attention(results[ROW_OF_IMAGE], 1, last, wider, layer, results[HEADS_OF_ROW]);
                kernels.copyRows(results[HEADS_OF_ROW], first, here, 0, 1, resultWidth, results[HEADS]);
            }
        }
    }

    private void prepareValues(Kernels kernels, DeviceBuffer[] results, int n) {
        if (sharesKeys) {
            kernels.copy(results[KEY], n * shape.numKvHeads() * shape.headDim(), results[VALUE]);
        }
        if (valueNorm != null) {
            valueNorm.apply(kernels, results[VALUE], n * shape.numKvHeads(), results[VALUE]);
        }
        if (valueScale != 1) {
            kernels.scale(results[VALUE], n * shape.numKvHeads() * shape.valueDim(), valueScale);
        }
    }

    private void rotate(Kernels kernels, DeviceBuffer[] results, int n, int firstPosition, Pass pass) {
        if (rope != null) {
            RopeTable table = pass.sight().rotations(rope.ofText(pass.textLength()), axes);
            kernels.rope(results[QUERY], n, shape.numHeads(), shape.headDim(), 0, firstPosition, table);
            kernels.rope(results[KEY], n, shape.numKvHeads(), shape.headDim(), 0, firstPosition, table);
        }
    }

    private void normalise(Kernels kernels, DeviceBuffer[] results, int n) {
        if (queryNorm != null && keyNorm != null) {
            queryNorm.apply(kernels, results[QUERY], normPerHead ? n * shape.numHeads() : n, results[QUERY]);
            keyNorm.apply(kernels, results[KEY], normPerHead ? n * shape.numKvHeads() : n, results[KEY]);
        }
    }

    /// Returns the heads' results, times the sigmoids of their gates.
    private DeviceBuffer gated(Kernels kernels, DeviceBuffer x, DeviceBuffer[] results, int n) {
        if (gate == null) {
            return results[HEADS];
        }
        gate.apply(kernels, x, n, results[GATE]);
        int length = n * gate.weight().rows();
        if (gatedByHead) {
            kernels.clear(results[QUERY], length * shape.valueDim()); // whose queries have been answered
            kernels.addRows(results[HEADS], 0, results[GATE], length, shape.valueDim(), results[QUERY]);
            return results[QUERY];
        }
        kernels.activate(results[GATE], length, Activation.SIGMOID);
        kernels.multiply(results[HEADS], results[GATE], length);
        return results[HEADS];
    }

    private void clip(Kernels kernels, DeviceBuffer[] results, int n) {
        if (clip > 0) {
            kernels.clamp(results[QUERY], n * shape.numHeads() * shape.headDim(), clip);
            kernels.clamp(results[KEY], n * shape.numKvHeads() * shape.headDim(), clip);
            kernels.clamp(results[VALUE], n * shape.numKvHeads() * shape.valueDim(), clip);
        }
    }
}
