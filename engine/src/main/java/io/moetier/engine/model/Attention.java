package io.moetier.engine.model;

import io.moetier.engine.device.AttentionShape;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.device.KvLayer;
import io.moetier.engine.device.RopeTable;
import io.moetier.engine.model.spec.AttentionSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Causal grouped-query attention with rotary positions (Ainslie et al. 2023; Su et al. 2021).
final class Attention {
    private final Projections queryKeyValue;
    private final Linear outputProjection;
    private final @Nullable Norm queryNorm;
    private final @Nullable Norm keyNorm;
    private final boolean normPerHead;
    private final float clip;
    private final AttentionShape shape;
    private final RopeTable rope;

    /// @param rope rotations of [AttentionSpec#rope], shared by all layers that have the same
    Attention(AttentionSpec spec, Weights weights, RopeTable rope) {
        queryKeyValue = new Projections(List.of(
                Linear.load(spec.query(), weights),
                Linear.load(spec.key(), weights),
                Linear.load(spec.value(), weights)));
        outputProjection = Linear.load(spec.output(), weights);
        queryNorm = spec.qkNorm().map(qk -> Norm.load(qk.query(), weights)).orElse(null);
        keyNorm = spec.qkNorm().map(qk -> Norm.load(qk.key(), weights)).orElse(null);
        normPerHead = spec.qkNorm().map(qk -> qk.perHead()).orElse(false);
        clip = spec.clip();
        shape = new AttentionShape(
                spec.numHeads(), spec.numKeyValueHeads(), spec.headDim(), spec.scale(), spec.slidingWindow());
        this.rope = rope;
    }

    /// `workspace.sublayer` [n, hiddenSize] from `workspace.normed`.
    void forward(Kernels kernels, Workspace workspace, KvLayer cache) {
        int n = workspace.n;
        int firstPosition = workspace.firstPosition;
        queryKeyValue.apply(kernels, workspace.normed, n, workspace.queryKeyValue);
        normalise(kernels, workspace, n);
        clip(kernels, workspace, n);
        kernels.rope(workspace.query, n, shape.numHeads(), shape.headDim(), firstPosition, rope);
        kernels.rope(workspace.key, n, shape.numKvHeads(), shape.headDim(), firstPosition, rope);
        kernels.storeKv(workspace.key, workspace.value, n, firstPosition, cache);
        kernels.attention(workspace.query, n, firstPosition, shape, cache, workspace.heads);
        outputProjection.apply(kernels, workspace.heads, n, workspace.sublayer);
    }

    private void normalise(Kernels kernels, Workspace workspace, int n) {
        if (queryNorm != null && keyNorm != null) {
            queryNorm.apply(kernels, workspace.query, normPerHead ? n * shape.numHeads() : n, workspace.query);
            keyNorm.apply(kernels, workspace.key, normPerHead ? n * shape.numKvHeads() : n, workspace.key);
        }
    }

    private void clip(Kernels kernels, Workspace workspace, int n) {
        if (clip > 0) {
            kernels.clamp(workspace.query, n * shape.numHeads() * shape.headDim(), clip);
            kernels.clamp(workspace.key, n * shape.numKvHeads() * shape.headDim(), clip);
            kernels.clamp(workspace.value, n * shape.numKvHeads() * shape.headDim(), clip);
        }
    }
}
