package io.moetier.engine.model;

import io.moetier.engine.device.ExpertBatch;
import io.moetier.engine.device.Kernels;
import io.moetier.engine.metrics.Counters;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.offload.ExpertSequence;
import io.moetier.engine.offload.HostTier;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.model.Tier;
import org.jspecify.annotations.Nullable;

/// A mixture of experts (Shazeer et al. 2017): router → top-k experts → weighted sum.
///
/// Tokens are grouped by expert, so that each expert is loaded and visited once per batch, in whatever order experts
/// become available; those that are in memory at one time are computed together. Every expert writes rows of its own,
/// and the weighted sum adds a token's rows in the order of its
/// choices: where an expert was, and when it came, cannot change a bit of the result.
final class MoeBlock implements FeedForward {
    /// Most rows of experts that are computed together: what they leave between gate and down should stay in the cache.
    private static final int MOST_ROWS = 1024;

    private final int layer;
    private final WeightMatrix router;
    private final int numExperts;
    private final int numExpertsPerToken;
    private final boolean normTopkProb;
    private final int hiddenSize;
    private final ExpertViews views;
    private final HostTier hostTier;
    private final Counters counters;
    private final @Nullable DenseFeedForward sharedExpert;
    private final @Nullable WeightMatrix sharedExpertGate;
    private final Tier[] tierOf;
    private final ExpertBatch batch = new ExpertBatch();

    MoeBlock(int layer, MoeSpec spec, Weights weights, ExpertViews views, HostTier hostTier, Counters counters) {
        this.layer = layer;
        this.views = views;
        this.hostTier = hostTier;
        this.counters = counters;
        router = Linear.load(spec.router(), weights).weight();
        numExperts = spec.numExperts();
        numExpertsPerToken = spec.numExpertsPerToken();
        normTopkProb = spec.normTopkProb();
        hiddenSize = router.cols();
        sharedExpert = spec.sharedExpert()
                .map(shared -> DenseFeedForward.load(shared.ffn(), weights))
                .orElse(null);
        sharedExpertGate = spec.sharedExpert()
                .map(shared -> Linear.load(shared.gate(), weights).weight())
                .orElse(null);
        tierOf = new Tier[numExperts];
    }

    @Override
    public void forward(Kernels kernels, Workspace workspace) {
        int n = workspace.n;
        route(kernels, workspace, n);
        runExperts(kernels, workspace);
        kernels.weightedSum(
                workspace.expertRows, workspace.routingWeights, n, numExpertsPerToken, hiddenSize, workspace.sublayer);
        runSharedExpert(kernels, workspace);
        report(workspace);
    }

    private void route(Kernels kernels, Workspace workspace, int n) {
        kernels.matmul(router, workspace.normed, n, workspace.routerLogits);
        kernels.softmaxTopK(
                workspace.routerLogits,
                n,
                numExperts,
                numExpertsPerToken,
                normTopkProb,
                workspace.expertIds,
                workspace.routingWeights);
        workspace.groups.sort(workspace.expertIds, n, numExpertsPerToken, numExperts);
    }

    private void runExperts(Kernels kernels, Workspace workspace) {
        ExpertGroups groups = workspace.groups;
        try (ExpertSequence sequence = hostTier.begin(layer, groups.distinct, groups.numDistinct())) {
            while (sequence.next()) {
                runGroup(kernels, workspace, sequence);
            }
        }
        counters.addExpertsComputed(groups.numDistinct());
    }

    private void runGroup(Kernels kernels, Workspace workspace, ExpertSequence sequence) {
        ExpertGroups groups = workspace.groups;
        batch.begin(groups.tokens, groups.rows);
        for (int i = 0; i < sequence.size(); i++) {
            int expert = groups.distinct[sequence.index(i)];
            tierOf[expert] = sequence.tier();
            if (batch.size() > 0 && batch.numRows() + groups.size(expert) > MOST_ROWS) {
                kernels.expertFfn(batch, workspace.normed, workspace.expertRows);
                batch.begin(groups.tokens, groups.rows);
            }
            ExpertViews.Expert matrices = views.in(sequence.block(i));
            batch.add(matrices.gate(), matrices.up(), matrices.down(), groups.start(expert), groups.size(expert));
        }
        kernels.expertFfn(batch, workspace.normed, workspace.expertRows);
    }

    private void runSharedExpert(Kernels kernels, Workspace workspace) {
        int n = workspace.n;
        if (sharedExpert != null && sharedExpertGate != null) {
            sharedExpert.apply(kernels, workspace, workspace.shared);
            kernels.matmul(sharedExpertGate, workspace.normed, n, workspace.sharedGate);
            kernels.addSigmoidGated(workspace.shared, workspace.sharedGate, n, hiddenSize, workspace.sublayer);
        }
    }

    private void report(Workspace workspace) {
        int n = workspace.n;
        for (int i = 0; i < n * numExpertsPerToken; i++) {
            workspace.tiers[i] = tierOf[workspace.expertIds[i]];
        }
        workspace.listener.onRouting(
                layer,
                workspace.phase,
                workspace.firstPosition,
                n,
                numExpertsPerToken,
                workspace.expertIds,
                workspace.routingWeights,
                workspace.tiers);
    }
}
