package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.model.spec.BlockSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixtureOfHeadsSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The buffers of one batch, allocated once so that a forward pass allocates nothing. Confined to one session.
public final class Workspace {
    public final int batch;

    /// The pass under way: tokens, position of the first, phase, and who is told of its routing.
    public int n;

    public int firstPosition;
    public int textLength; // with what is still to come of the tokens that are appended together
    public Phase phase = Phase.PREFILL;
    private final Device device;
    private RoutingListener listener = RoutingListener.NONE;
    private @Nullable MixtureObserver observer;
    private boolean muted;
    public ActivityListener activity = ActivityListener.NONE; // of the pass under way
    public BooleanSupplier cancelled = () -> false;

    public final DeviceBuffer hidden; // [batch, hiddenSize]: the residual stream
    public final DeviceBuffer normed; // [batch, hiddenSize]
    public final DeviceBuffer sublayer; // [batch, hiddenSize]: output of attention or feed-forward
    public final DeviceBuffer aside; // [batch, hiddenSize]: a result that waits for the end of its layer
    public final DeviceBuffer[] intermediates; // [batch, …]: what blocks keep between their operations
    public final DeviceBuffer routerLogits; // [batch, numExperts]
    public final DeviceBuffer sharedGate; // [batch]
    public final DeviceBuffer[] routerAndSharedGate; // those two
    public final DeviceBuffer expertRows; // [batch * (k + 1 for a shared expert), hiddenSize]
    public final float[] rowFactors; // [batch]
    public final int[] everyRow; // [batch]: 0, 1, 2, …
    public final ExpertChoices choices; // [batch, k]
    public final ExpertChoices headChoices; // [batch, k]: of mixtures of heads
    public final Tier[] tiers; // [batch, k]
    public final float[] ones; // [batch, k] if experts' inputs are weighted
    public final DeviceBuffer weightedInputs; // [batch * k, hiddenSize] then
    public final ExpertGroups groups;
    public final DeviceBuffer aheadNormed; // [hiddenSize]: what a later layer's router is shown
    public final DeviceBuffer[] aheadLogits; // one, [numExperts]
    public final ExpertChoices ahead; // [numExperts]: guesses and their likelihoods

    public Workspace(ModelSpec spec, Device device, Arena arena, int batch) {
        this(spec, device, length -> device.allocate(length, arena), batch);
    }

    private Workspace(ModelSpec spec, Device device, IntFunction<DeviceBuffer> allocator, int batch) {
        Allocator floats = (rows, cols) -> allocator.apply(Math.multiplyExact(rows, cols));
        this.device = device;
        this.batch = batch;
        hidden = floats.of(batch, spec.hiddenSize());
        normed = floats.of(batch, spec.hiddenSize());
        sublayer = floats.of(batch, spec.hiddenSize());
        aside = floats.of(spec.layers().stream().anyMatch(Workspace::setsAside) ? batch : 0, spec.hiddenSize());
        intermediates = IntStream.of(widths(spec))
                .mapToObj(width -> floats.of(batch, width))
                .toArray(DeviceBuffer[]::new);
        int numExperts = widest(
                spec.moeLayers().stream().mapToInt(moe -> moe.router().routing().numExperts()));
        int numChoices = batch * widest(spec.moeLayers().stream().mapToInt(MoeSpec::numExpertsPerToken));
        int numHeadChoices = batch
                * spec.blocks(MixtureOfHeadsSpec.class)
                        .mapToInt(MixtureOfHeadsSpec::numExpertsPerToken)
                        .max()
                        .orElse(0);
        boolean anyShared =
                spec.moeLayers().stream().anyMatch(moe -> moe.sharedExpert().isPresent());
        routerLogits = floats.of(batch, numExperts);
        sharedGate = allocator.apply(batch);
        routerAndSharedGate = new DeviceBuffer[] {routerLogits, sharedGate};
        expertRows = floats.of(numChoices + (anyShared ? batch : 0), spec.hiddenSize());
        rowFactors = new float[batch];
        everyRow = IntStream.range(0, batch).toArray();
        choices = new ExpertChoices(allocator.apply(ExpertChoices.floats(numChoices)));
        headChoices = new ExpertChoices(allocator.apply(ExpertChoices.floats(numHeadChoices)));
        tiers = new Tier[numChoices];
        boolean weighsInputs = spec.moeLayers().stream().anyMatch(MoeSpec::weighsInputs);
        ones = new float[weighsInputs ? numChoices : 0];
        Arrays.fill(ones, 1f);
        weightedInputs = floats.of(weighsInputs ? numChoices : 0, spec.hiddenSize());
        groups = new ExpertGroups(numExperts, numChoices + batch);
        aheadNormed = allocator.apply(spec.hiddenSize());
        aheadLogits = new DeviceBuffer[] {allocator.apply(numExperts)};
        ahead = new ExpertChoices(allocator.apply(ExpertChoices.floats(numExperts)));
    }

    /// A buffer that is only counted.
    private record Counted(int length) implements DeviceBuffer {}

    /// Returns the bytes that a workspace for batches of at most `batch` tokens takes.
    public static long bytes(ModelSpec spec, Device device, int batch) {
        return new Workspace(spec, device, Counted::new, batch).byteSize();
    }

    /// Allocates rows of activations and fails on sizes beyond an array's.
    private interface Allocator {
        DeviceBuffer of(int rows, int cols);
    }

    /// Says how many tokens the text has with those that the next passes append.
    public void expectLength(int length) {
        textLength = length;
    }

    /// Registers `newListener`, which is told of every routing decision from now on.
    public void listen(RoutingListener newListener) {
        listener = newListener;
    }

    /// Registers `newObserver`, which is shown every mixture from now on.
    public void observe(@Nullable MixtureObserver newObserver) {
        observer = newObserver;
    }

    /// Reports no routing decision and shows nothing while `muted`.
    public void mute(boolean muted) {
        this.muted = muted;
    }

    /// Returns who is told of routing decisions now.
    public RoutingListener listener() {
        return muted ? RoutingListener.NONE : listener;
    }

    /// Returns who is shown mixtures now, if anybody is.
    @Nullable
    public MixtureObserver observer() {
        return muted ? null : observer;
    }

    /// Returns the first `count` rows of a buffer, to be shown.
    public Rows rows(DeviceBuffer buffer, int count, int cols) {
        return rows(buffer, 0, count, cols);
    }

    /// Returns `count` rows of a buffer from row `first` on, to be shown.
    public Rows rows(DeviceBuffer buffer, int first, int count, int cols) {
        return new Rows(device, buffer, first, count, cols);
    }

    /// Registers `supplier`, which forward passes ask before each layer whether to give up.
    public void cancelWhen(BooleanSupplier supplier) {
        cancelled = supplier;
    }

    /// Returns the bytes of all buffers.
    public long byteSize() {
        long floats = Stream.concat(
                        Stream.of(
                                hidden,
                                normed,
                                sublayer,
                                aside,
                                routerLogits,
                                sharedGate,
                                expertRows,
                                weightedInputs,
                                choices.room(),
                                headChoices.room()),
                        Stream.of(intermediates))
                .mapToLong(DeviceBuffer::length)
                .sum();
        return Float.BYTES * floats + 20L * tiers.length; // ids, weights, tiers, and tokens and rows of the groups
    }

    /// Returns how many tokens one forward pass takes at most.
    public int batch() {
        return batch;
    }

    private static int widest(IntStream widths) {
        return widths.max().orElse(1);
    }

    private static boolean setsAside(LayerSpec layer) {
        return layer.sublayers().stream()
                .anyMatch(sublayer -> sublayer.residual().atLayerEnd());
    }

    /// Returns the most floats per token that any block needs for each of its intermediate results.
    private static int[] widths(ModelSpec spec) {
        List<List<Integer>> ofBlocks =
                spec.blocks(BlockSpec.class).map(BlockSpec::intermediates).toList();
        int most = widest(ofBlocks.stream().mapToInt(List::size));
        return IntStream.range(0, most)
                .map(i -> widest(
                        ofBlocks.stream().filter(widths -> widths.size() > i).mapToInt(widths -> widths.get(i))))
                .toArray();
    }
}
