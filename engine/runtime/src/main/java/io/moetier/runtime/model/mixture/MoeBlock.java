package io.moetier.runtime.model.mixture;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.Section;
import io.moetier.runtime.model.block.Block;
import io.moetier.runtime.model.block.DenseFeedForward;
import io.moetier.runtime.model.block.HyperConnection;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.BlockBuffers;
import io.moetier.runtime.model.pass.ExpertGroups;
import io.moetier.runtime.model.pass.Mixture;
import io.moetier.runtime.model.pass.MixtureBuffers;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SharedExpertSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.weight.ExpertViews;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import io.moetier.runtime.offload.ExpertArrivals;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.LayerExperts;
import io.moetier.storage.model.Tier;
import java.lang.foreign.Arena;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A mixture of experts (Shazeer et al. 2017): router → top-k experts → weighted sum.
///
/// Tokens are grouped by expert, so that each expert is loaded and visited once per batch, in whatever order experts
/// become available; those that are in memory at one time are computed together, and an expert that every token visits
/// with the first of them. Every expert writes rows of its own, and the weighted sum adds a token's rows in the order
/// of its choices: where an expert was, and when it came, cannot change a bit of the result. A choice of -1, with
/// weight 0, sends a token to no expert; the choice of an identity gives the block's input and moves nothing. Where
/// some loss is allowed, copies in fewer bits stand for some experts; they are loaded at the same time, and computed
/// last.
public final class MoeBlock implements Block {
    private static final int LATENTS = 0; // of the intermediate results
    private static final int SUM = 1;
    private static final int ROUTED = 2;

    private final int layer;
    private final int number; // among the layers with experts
    private final Router router;
    private final int numExperts;
    private final int numChoices; // identities lie behind the experts
    private final int numExpertsPerToken;
    private final int hiddenSize;
    private final int expertSize; // of what experts read
    private final ExpertViews views;
    private final ExpertTiers expertTiers;
    private final ExpertPlaces places;
    private final @Nullable ExpertsOnNodes nodes;
    private final RoutersAhead routersAhead;
    private final Device device;
    private final Counters counters;
    private final LossMeter loss;
    private final @Nullable LayerCopies copies;
    private final @Nullable DenseFeedForward sharedExpert;
    private final boolean sharedIsGated;
    private final float @Nullable [] bias;
    private final @Nullable Linear toLatents; // where experts work in a space of their own
    private final @Nullable Linear fromLatents;
    private final boolean weighsInputs;
    private final Tier[] tierOf;

    /// @param norm what is in front of the router
    /// @param connection what is in front of that, where there are several residual streams
    public MoeBlock(
            int layer,
            MoeSpec spec,
            @Nullable Norm norm,
            @Nullable HyperConnection connection,
            ExpertViews views,
            LayerContext context,
            RoutersAhead routersAhead) {
        this.layer = layer;
        this.routersAhead = routersAhead;
        this.views = views;
        expertTiers = context.expertTiers();
        places = context.places();
        nodes = places.nodes();
        device = context.device();
        counters = context.counters();
        loss = context.tokenExperts().loss();
        Weights weights = context.weights();
        Optional<LinearSpec> gate = spec.sharedExpert().flatMap(SharedExpertSpec::gate);
        router = new Router(spec.router(), gate, weights, context.tokenExperts().selection());
        number = routersAhead.add(layer, spec, router.norm() == null ? norm : router.norm(), connection, router);
        sharedIsGated = gate.isPresent();
        numExperts = spec.numExperts();
        numChoices = spec.numChoices();
        numExpertsPerToken = spec.numExpertsPerToken();
        hiddenSize = spec.router().linear().cols();
        expertSize = spec.expertSize();
        toLatents =
                spec.latent().map(latent -> Linear.load(latent.down(), weights)).orElse(null);
        fromLatents =
                spec.latent().map(latent -> Linear.load(latent.up(), weights)).orElse(null);
        sharedExpert = spec.sharedExpert()
                .map(shared -> new DenseFeedForward(shared.ffn(), weights))
                .orElse(null);
        bias = spec.bias().map(weights::vector).orElse(null);
        weighsInputs = spec.weighsInputs();
        tierOf = new Tier[numExperts];
        ExpertCopies ofModel = context.tokenExperts().copies();
        copies = ofModel == null
                ? null
                : new LayerCopies(
                        ofModel.tiers(),
                        ofModel.views(layer, spec.experts().getFirst().activation()),
                        layer,
                        numChoices,
                        numExperts);
    }

    @Override
    public void forward(Kernels kernels, Pass pass, BlockBuffers buffers, KvCache cache) {
        MixtureBuffers mixture = buffers.mixture();
        int n = pass.n();
        route(kernels, pass, buffers);
        runExperts(kernels, pass, buffers);
        sum(kernels, buffers, n);
        if (bias != null) {
            kernels.addBias(buffers.out(), n, hiddenSize, bias);
        }
        if (sharedExpert != null) {
            int firstRow = n * numExpertsPerToken;
            kernels.addRows(
                    mixture.expertRows(),
                    firstRow,
                    sharedIsGated ? mixture.sharedGate() : null,
                    n,
                    hiddenSize,
                    buffers.out());
        }
        report(pass, mixture);
        MixtureObserver observer = pass.observer();
        if (observer != null) {
            show(kernels, pass, buffers, observer);
        }
    }

    private void route(Kernels kernels, Pass pass, BlockBuffers buffers) {
        int n = pass.n();
        MixtureBuffers mixture = buffers.mixture();
        ExpertChoices choices = mixture.choices();
        if (router.norm() != null) {
            router.norm().apply(kernels, mixture.residual(), n, routed(buffers));
        }
        router.choose(kernels, pass, routed(buffers), mixture.logitsAndSharedGate(), choices);
        if (loss.leaveOut(
                pass,
                routersAhead.isFirstOfDecoder(number),
                layer,
                choices,
                numExpertsPerToken,
                numExperts,
                numChoices)) {
            choices.chosenOnHost();
        }
        int numGroups = copies == null ? numChoices : copies.numGroups();
        mixture.groups().sort(choices.ids(), choices.weights(), n, numExpertsPerToken, numGroups);
        if (copies != null) {
            nameExperts(choices.ids(), n * numExpertsPerToken);
        }
    }

    /// Makes choices of copies those of their experts again; the groups know which are copies.
    private void nameExperts(int[] ids, int count) {
        for (int i = 0; i < count; i++) {
            ids[i] -= ids[i] < numChoices ? 0 : numChoices;
        }
    }

    /// Returns what the router reads.
    private DeviceBuffer routed(BlockBuffers buffers) {
        return router.norm() == null ? buffers.in() : buffers.intermediates()[ROUTED];
    }

    private void sum(Kernels kernels, BlockBuffers buffers, int n) {
        MixtureBuffers mixture = buffers.mixture();
        DeviceBuffer rows = mixture.expertRows();
        DeviceBuffer sum = fromLatents == null ? buffers.out() : buffers.intermediates()[SUM];
        if (weighsInputs) {
            kernels.weightedSum(rows, mixture.ones(), n, numExpertsPerToken, expertSize, sum);
        } else {
            kernels.weightedSum(rows, mixture.choices(), n, numExpertsPerToken, expertSize, sum);
        }
        if (fromLatents != null) {
            fromLatents.apply(kernels, sum, n, buffers.out());
        }
    }

    @Override
    public Section section() {
        return Section.ROUTER;
    }

    private void runExperts(Kernels kernels, Pass pass, BlockBuffers buffers) {
        MixtureBuffers mixture = buffers.mixture();
        pass.activity().enter(Section.EXPERTS);
        int n = pass.n();
        ExpertGroups groups = mixture.groups();
        LocalExperts here = places.here();
        int numDistinct = groups.numDistinctBelow(numExperts);
        routersAhead.onDecision(number, n, mixture);
        int[] inputRows = weighsInputs ? groups.rows : groups.tokens;
        DeviceBuffer inputs;
        try (LayerExperts inFewerBits = copies == null ? null : copies.begin(groups);
                LayerExperts experts = nodes == null
                        ? expertTiers.begin(layer, groups.distinct, groups.sizes, groups.weights, numDistinct)
                        : nodes.begin(layer, n, groups, numDistinct, inputRows)) {
            inputs = inputs(kernels, n, buffers);
            if (nodes != null) {
                nodes.send(inputs, weighsInputs ? groups.numRows() : n, expertSize);
            }
            routersAhead.prefetch(number, kernels, pass, mixture);
            here.begin(n, mixture, buffers.in(), groups.tokens);
            if (sharedExpert != null) {
                sharedExpert.addTo(here.batch(), n * numExpertsPerToken, n);
            }
            copyToIdentities(kernels, buffers);
            if (toLatents != null || weighsInputs) {
                here.compute(); // what reads the block's input as it is
                here.begin(n, mixture, inputs, inputRows);
            }
            places.begin(experts, n, mixture, inputs, expertSize, weighsInputs);
            compute(experts, here);
            if (copies != null && inFewerBits != null) {
                computeCopies(copies, inFewerBits.on(0), here);
            }
        } catch (RuntimeException | Error e) {
            if (nodes != null) {
                nodes.giveUp();
            }
            throw e;
        }
        if (nodes != null && nodes.bringBack(mixture, tierOf)) {
            try (LayerExperts experts = nodes.beginMissing()) {
                here.begin(n, mixture, inputs, inputRows);
                places.begin(experts, n, mixture, inputs, expertSize, weighsInputs);
                compute(experts, here);
            }
        }
        counters.addExpertsComputed(numDistinct + (copies == null ? 0 : copies.count(groups)));
        counters.addChoices(n, groups.numChoices());
    }

    /// What is there is computed first, by all devices at once and then by the processor, while the rest is loaded. The
    /// order is that of the waits in [ExpertTiers].
    private void compute(LayerExperts experts, LocalExperts here) {
        for (int device = 0; device < expertTiers.numDevices(); device++) {
            ExpertArrivals arrivals = experts.on(device);
            ExpertPlace place = device == 0 ? here : places.other(device);
            while (arrivals.isNextResident()) {
                boolean _ = computeNext(arrivals, place);
            }
            place.compute(); // what every token visits, if no expert was there
        }
        ExpertArrivals onHost = experts.onHost();
        while (onHost != null && computeNext(onHost, places.processor())) {
            // one group after the other
        }
        places.bringBackFromProcessor(); // while copies arrive: behind the last kernels it would wait for a later one
        for (boolean more = true; more; ) {
            more = false;
            for (int device = 0; device < expertTiers.numDevices(); device++) {
                more |= computeNext(experts.on(device), device == 0 ? here : places.other(device));
            }
        }
        places.bringBackFromOthers();
    }

    private void computeCopies(LayerCopies copies, ExpertArrivals arrivals, ExpertPlace place) {
        while (computeNext(arrivals, place, copies.views(), copies.first())) {
            // one group after the other
        }
    }

    private boolean computeNext(ExpertArrivals arrivals, ExpertPlace place) {
        return computeNext(arrivals, place, views, 0);
    }

    /// @param first the group of expert 0
    private boolean computeNext(ExpertArrivals arrivals, ExpertPlace place, ExpertViews views, int first) {
        if (!arrivals.next()) {
            return false;
        }
        for (int i = 0; i < arrivals.size(); i++) {
            int expert = arrivals.expert(i);
            tierOf[expert] = arrivals.tier(i);
            place.add(views.in(arrivals.block(i)), first + expert);
        }
        place.compute();
        return true;
    }

    private void copyToIdentities(Kernels kernels, BlockBuffers buffers) {
        MixtureBuffers mixture = buffers.mixture();
        ExpertGroups groups = mixture.groups();
        int from = groups.start(numExperts);
        int count = groups.start(numChoices) - from;
        if (count > 0) {
            kernels.copyRows(buffers.in(), groups.tokens, groups.rows, from, count, hiddenSize, mixture.expertRows());
        }
    }

    /// Makes what experts read, if that is not what the block does.
    private DeviceBuffer inputs(Kernels kernels, int n, BlockBuffers buffers) {
        MixtureBuffers mixture = buffers.mixture();
        DeviceBuffer inputs = buffers.in();
        if (toLatents != null) {
            inputs = buffers.intermediates()[LATENTS];
            toLatents.apply(kernels, buffers.in(), n, inputs);
        }
        if (weighsInputs) {
            kernels.scaleRows(
                    inputs, mixture.choices().weights(), n, numExpertsPerToken, expertSize, mixture.weightedInputs());
            inputs = mixture.weightedInputs(); // a row of their own for every choice
        }
        return inputs;
    }

    private void show(Kernels kernels, Pass pass, BlockBuffers buffers, MixtureObserver observer) {
        DeviceBuffer results = buffers.mixture().expertRows();
        if (fromLatents == null) {
            observer.onMixture(shown(kernels, pass, buffers, results));
            return;
        }
        int rows = pass.n() * numExpertsPerToken;
        try (Arena arena = device.newArena()) {
            DeviceBuffer each = device.allocate(rows * hiddenSize, arena); // in the block's space
            fromLatents.apply(kernels, results, rows, each);
            observer.onMixture(shown(kernels, pass, buffers, each));
        }
    }

    private Mixture shown(Kernels kernels, Pass pass, BlockBuffers buffers, DeviceBuffer results) {
        MixtureBuffers mixture = buffers.mixture();
        int n = pass.n();
        int rows = n * numExpertsPerToken;
        Mixture.Gate gate = router.show(kernels, buffers, routed(buffers), mixture.logits(), n, mixture.choices());
        Mixture.Parts parts = new Mixture.Parts(
                buffers.rows(results, rows, hiddenSize),
                weighsInputs,
                bias,
                sharedExpert == null ? null : buffers.rows(mixture.expertRows(), rows, n, hiddenSize),
                sharedIsGated ? buffers.rows(mixture.sharedGate(), n, 1) : null,
                buffers.rows(buffers.out(), n, hiddenSize));
        return new Mixture(layer, false, pass.firstPosition(), n, gate, parts);
    }

    private void report(Pass pass, MixtureBuffers mixture) {
        int n = pass.n();
        for (int i = 0; i < n * numExpertsPerToken; i++) {
            int expert = mixture.choices().ids()[i];
            mixture.tiers()[i] = expert < 0 || expert >= numExperts ? Tier.HOST : tierOf[expert];
        }
        pass.listener()
                .onRouting(
                        layer,
                        pass,
                        numExpertsPerToken,
                        mixture.choices().ids(),
                        mixture.choices().weights(),
                        mixture.tiers());
    }
}
