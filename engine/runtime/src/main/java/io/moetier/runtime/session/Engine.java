package io.moetier.runtime.session;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.lookahead.Lookahead;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.model.MoeModel;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.mixture.ExpertCopies;
import io.moetier.runtime.model.mixture.ExpertPlaces;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.model.mixture.ExpertsOnNodes;
import io.moetier.runtime.model.mixture.LayerContext;
import io.moetier.runtime.model.mixture.LossMeter;
import io.moetier.runtime.model.mixture.TokenExperts;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.VisionTower;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.PrefetchTrial;
import io.moetier.runtime.offload.Residency;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.runtime.offload.StoreSource;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.remote.Driven;
import io.moetier.runtime.remote.ExpertNodes;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.runtime.remote.KernelBits;
import io.moetier.runtime.remote.NodesVerdict;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.ExpertId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A loaded model: its dense weights in memory, its experts in tiers over the store on disk.
///
/// Shareable between threads; each makes its own [Session]. Steps of different sessions take turns.
public final class Engine implements AutoCloseable {
    /// Tokens that one forward pass takes at most.
    public static final int BATCH = 512;

    private final ExpertStore store;
    private final EngineConfig config;
    private final ModelSpec spec;
    private final ExpertSelection selection;
    private final int contextLength;
    private final int batch; // tokens that a pass takes at most
    private final KvType kv;
    private final EngineDevices devices;
    private final Device device; // the first of them
    private final EngineMemory memory;
    private final Counters counters = new Counters();
    private final Optional<ExpertNodes> nodes; // that compute experts
    private final Optional<CopyStore> copyStore; // of experts in fewer bits
    private final Optional<ExpertCopies> copies;
    private final ExpertTiers expertTiers;
    private final String policyWords;
    private final PrefetchTrial prefetchTrial;
    private final LossMeter loss;
    private final MoeModel model;
    private final Owned owned;
    private final long placesBytes;
    private final MemoryPlan memoryPlan;
    private final MemoryGuard guard; // of slots in main memory
    private final List<VramGuard> vramGuards; // of devices with memory of their own
    private final ReentrantLock step = new ReentrantLock(true);

    /// Guarded by [#step].
    private boolean closed;

    /// Those that are open, one of which is planned. Guarded by [#step].
    private int sessions;

    private long learntTokens; // before the first step

    @SuppressWarnings("MustBeClosedChecker") // owned closes the arena
    private Engine(
            ExpertStore store, EngineConfig config, Function<MemoryGuard.Slots, MemoryGuard> guards, Owned owned) {
        this.store = store;
        this.config = config;
        this.owned = owned;
        ModelSpec trained = Families.describe(store.config(), store.denseFile());
        spec = selected(trained, config.numerics().selection());
        selection = spec.equals(trained)
                ? config.numerics().selection().withTrainedNumber()
                : config.numerics().selection();
        contextLength = contextLength(spec, config);
        kv = config.numerics().kv();
        requireDecoderOnly();
        // refused before the weights are read
        PolicyFactory policy = config.offloading().policy().factory(spec);
        SlotBudget slotBudget = SlotBudget.of(new StoreSource(store, counters), numExpertsPerToken(spec));
        config.memory().ramBytes().ifPresent(slotBudget::slots);
        copyStore = selection
                .copies()
                .map(from ->
                        CopyStore.open(from, store, slotBudget, config, numExpertsPerToken(spec), counters, owned));
        config.memory()
                .ramBytes()
                .ifPresent(bytes -> copyStore.ifPresent(from -> from.bytes(bytes, slotBudget.minimumBytes())));
        devices = EngineDevices.open(config, owned);
        device = devices.first();
        memory = new EngineMemory(store, slotBudget, copyStore, spec, config, devices);
        memory.requireLeast();
        Arena arena = device.newArena();
        owned.add(arena::close);
        Arena mainMemory = Arena.ofShared();
        owned.add(() -> close(mainMemory));
        StoreWeights weights = new StoreWeights(store, mainMemory);
        devices.prepare(weights.dtypes(), store.layouts()); // before it is counted what memory they have
        batch = memory.batch();
        memoryPlan = memory.plan(batch);
        long experts = memory.experts(memoryPlan);
        nodes = config.compute().nodes().map(factory -> openNodes(factory, experts));
        @Nullable ExpertNodes remote = nodes.orElse(null);
        copies = copyStore.map(from -> from.tier(
                device,
                experts - memory.ofModel(experts),
                numExpertsPerToken(spec),
                policy,
                devices.loaders(),
                counters,
                owned));
        expertTiers = openTiers(new Residency(numExpertsPerToken(spec), memory.ofModel(experts), policy));
        owned.add(expertTiers::close);
        if (remote != null) {
            expertTiers.leaveOut(remote::takes);
        }
        ExpertPlaces places = new ExpertPlaces(
                spec,
                device,
                devices.others(),
                devices.beside().orElse(null),
                remote == null ? null : new ExpertsOnNodes(remote, spec, device, batch, expertTiers, counters),
                batch,
                expertTiers);
        placesBytes = places.byteSize();
        policyWords = policyWords(config.offloading().policy(), expertTiers.residentSummary());
        prefetchTrial = new PrefetchTrial(config.offloading().prefetch(), allFit(expertTiers.residentSummary()));
        loss = new LossMeter(
                remote == null
                        ? expertTiers::isHere
                        : (layer, expert) -> remote.takes(layer, expert) || expertTiers.isHere(layer, expert),
                selection.maxKld(),
                copies.map(of -> new LossMeter.Copies(of.tiers()::isHere, of.readingShare()))
                        .orElse(null));
        LayerContext context = new LayerContext(
                new HeldWeights(weights, device, arena),
                layer -> store.layout(ExpertId.pack(layer, 0)),
                expertTiers,
                places,
                device,
                counters,
                new TokenExperts(selection, loss, copies.orElse(null)));
        model = new MoeModel(spec, context, prefetchTrial);
        if (!device.readsMainMemory()) {
            close(mainMemory);
        }
        vramGuards = devices.guards(expertTiers);
        guard = guards.apply(tierSlots()); // last, as it may give back at once
        owned.add(guard::close);
        if (memory.isAsked()) {
            guard.look(false, System.nanoTime()); // what does not fit would be filled before it looks by itself
        }
    }

    private void requireDecoderOnly() {
        boolean limits = selection.maxKld().isPresent();
        if (spec.encoder().isPresent() && (limits || selection.copies().isPresent())) {
            throw new InvalidOptionException(
                    limits ? "maxKld" : "copies",
                    "is for models that continue a text; " + spec.family() + " has an encoder");
        }
    }

    private TierSlots tierSlots() {
        ResidentSummary tier = inMainMemory();
        return new TierSlots(expertTiers, tier.slots().bytes(), this::ifIdle);
    }

    private void ifIdle(Runnable action) {
        if (step.tryLock()) {
            try {
                if (!closed) {
                    action.run();
                }
            } finally {
                step.unlock();
            }
        }
    }

    private ExpertNodes openNodes(ExpertNodesFactory factory, long experts) {
        boolean onProcessor = config.compute().devices().isEmpty();
        ExpertNodes opened = factory.open(new Driven(spec, store, batch, experts, KernelBits.of(device), onProcessor));
        owned.add(opened::close);
        return opened;
    }

    private static void close(Arena arena) {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /// Loads the model of a store.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a file is damaged
    /// @throws IllegalArgumentException if the budget is too small, the context too long or an option unknown
    public static Engine open(Path storeDirectory, EngineConfig config) {
        return open(storeDirectory, config, MemoryGuard::start);
    }

    /// Loads the model of a store with a guard of the caller's.
    static Engine open(Path storeDirectory, EngineConfig config, Function<MemoryGuard.Slots, MemoryGuard> guards) {
        Owned owned = new Owned();
        try {
            ExpertStore store =
                    ExpertStore.open(storeDirectory, config.offloading().io());
            owned.add(store::close);
            return new Engine(store, config, guards, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    /// Checks a configuration against what is known of a model before there is a store of it.
    ///
    /// @param sizeClasses how many experts of which size there will be
    /// @param otherWeightBytes of all weights besides
    /// @throws io.moetier.storage.model.MalformedModelException if the census is not one of the model
    /// @throws IllegalArgumentException as [#open]
    public static void requireFit(
            EngineConfig config, ModelSpec spec, List<SizeClassCount> sizeClasses, long otherWeightBytes) {
        ModelSpec selected = selected(spec, config.numerics().selection());
        int contextLength = contextLength(selected, config);
        PolicyFactory _ = config.offloading().policy().factory(spec);
        SlotBudget budget = new SlotBudget(sizeClasses, numExpertsPerToken(selected));
        if (config.memory().ramBytes().isPresent()) {
            long bytes = config.memory().ramBytes().getAsLong();
            budget.slots(bytes);
            budget.requireAddresses(bytes);
        } else {
            long keyValues = config.compute().devices().isEmpty()
                    ? EngineNeeds.leastKeyValues(selected, config, contextLength)
                    : 0;
            MemoryBudget.require(new MemoryNeeds(budget.minimumBytes(), otherWeightBytes, 0, keyValues, 0, 0, 0));
        }
    }

    /// Loads the experts that earlier runs chose often, as many as there is room for. To be called before the
    /// first step.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if an expert cannot be read
    /// @throws IllegalStateException if a step was made before
    public void warm(Census census) {
        lockStep();
        try {
            expertTiers.warm(census.shareById());
        } finally {
            unlockStep();
        }
    }

    /// Takes up what the policy has learnt of the model in earlier runs, before the first step or between two; what it
    /// has learnt in this one is forgotten.
    ///
    /// @param file written by [#keepLearnt]
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged or of other experts
    public void takeUpLearnt(Path file) {
        lockStep();
        try {
            learntTokens = expertTiers.takeUp(file);
        } finally {
            unlockStep();
        }
    }

    /// Keeps what the policy has learnt of the model, if it learns anything.
    ///
    /// @param tokens that this engine has computed
    /// @throws IOException if it cannot be written
    public void keepLearnt(Path file, long tokens) throws IOException {
        lockStep();
        try {
            expertTiers.keep(file, learntTokens + tokens);
        } finally {
            unlockStep();
        }
    }

    /// Returns from how many tokens of earlier runs was learnt what this one has taken up.
    public long learntTokens() {
        return learntTokens;
    }

    /// Returns what the model computes.
    public ModelSpec spec() {
        return spec;
    }

    /// Returns what reads images.
    ///
    /// @throws IllegalArgumentException if the model reads none
    VisionTower tower() {
        requireVision();
        return model.tower().orElseThrow();
    }

    /// Returns `tokens` with as many image tokens for each image as it gives rows.
    ///
    /// @throws IllegalArgumentException if the model reads no images
    public int[] withImageTokens(int[] tokens, List<ImagePatches> images) {
        return tower().expand(tokens, images);
    }

    /// Returns the token that stands for a row of an image.
    ///
    /// @throws IllegalArgumentException if the model reads no images
    public int imageToken() {
        requireVision();
        return spec.vision().orElseThrow().token().id();
    }

    /// Checks that the model reads images.
    ///
    /// @throws IllegalArgumentException if it reads none
    public void requireVision() {
        if (spec.vision().isEmpty()) {
            throw new IllegalArgumentException(spec.family() + " reads no images");
        }
    }

    /// Returns how many experts a token is sent to, if not as many as the model was trained with.
    public ExpertSelection selection() {
        return selection;
    }

    /// Returns what leaves experts out where some loss is allowed.
    public LossMeter loss() {
        return loss;
    }

    /// Returns a new, empty session of [#contextLength()] tokens.
    public Session newSession() {
        return newSession(contextLength);
    }

    /// Returns a new, empty session of `length` tokens.
    ///
    /// @throws IllegalArgumentException if that is more than [#contextLength()]
    /// @throws IllegalStateException if the engine is closed
    public Session newSession(int length) {
        if (length < 1 || length > contextLength) {
            throw new IllegalArgumentException("a session holds 1 to " + contextLength + " tokens, not " + length);
        }
        lockStep(); // memory for it may come from the tier of experts
        try {
            return Session.open(this, kv, length, batch);
        } finally {
            unlockStep();
        }
    }

    /// Has experts give way to the buffers of a session that opens beside others, for one is planned. The step is
    /// locked.
    void enter(int length) {
        if (sessions > 0 && device.readsMainMemory()) {
            guard.giveWay(Session.workspaceBytes(spec, device, length, batch) + Session.logitBytes(spec));
        }
        sessions++;
    }

    /// Counts a session no more that has entered. The step is locked.
    void leave() {
        sessions--;
    }

    /// Returns how many tokens a session holds.
    public int contextLength() {
        return contextLength;
    }

    /// Returns how many tokens a prompt has at most: what a session holds, or what an encoder reads.
    public int longestPrompt() {
        return spec.encoder().isPresent() ? spec.maxPositionEmbeddings() : contextLength;
    }

    /// Returns the error for a prompt that is too long.
    ///
    /// @param found how many tokens there are
    public IllegalArgumentException tooLong(String found) {
        return spec.encoder().isPresent()
                ? new IllegalArgumentException("the encoder reads at most " + longestPrompt()
                        + " tokens (max_position_embeddings), not " + found)
                : contextTooShort(contextLength, found);
    }

    /// Returns the error for a session of `length` tokens that would have to hold more.
    InvalidOptionException contextTooShort(int length, String needed) {
        return new InvalidOptionException(
                "contextLength",
                "the context holds " + (length == 1 ? "1 token" : length + " tokens") + ", but " + needed
                        + " are needed (the model allows "
                        + spec.maxPositionEmbeddings() + ")");
    }

    /// Returns the counters so far.
    public RunStats stats() {
        return counters.snapshot()
                .withDeviceHits(expertTiers.deviceHits())
                .withNodes(nodes.map(ExpertNodes::work).orElse(List.of()));
    }

    /// Returns whether nodes compute, if there are any and somebody decides that.
    public Optional<NodesVerdict> nodesVerdict() {
        return nodes.flatMap(ExpertNodes::verdict);
    }

    /// Returns the tiers that experts are computed from.
    public ExpertTiers expertTiers() {
        return expertTiers;
    }

    /// Returns the tier between the store and devices with memory of their own, if there are such devices.
    public Optional<PinnedTier> pinnedTier() {
        return expertTiers.pinned();
    }

    /// Returns the smallest budget of experts in main memory: the top-k experts of one layer.
    public long minimumRamBytes() {
        return memory.leastExperts();
    }

    /// Returns the main memory that this engine and a session of it will still take: room for experts that are not
    /// there yet, keys and values.
    public long pendingBytes() {
        ResidentSummary tier = whileNoStep(this::inMainMemory);
        long keyValues = device.readsMainMemory() ? KvCache.bytes(spec, kv, contextLength) : 0;
        long pendingCopies =
                ofCopies().map(of -> of.slots().bytes() - of.filled().bytes()).orElse(0L);
        return tier.slots().bytes() - tier.filled().bytes() + pendingCopies + keyValues;
    }

    private Optional<ResidentSummary> ofCopies() {
        return copies.map(of -> of.tiers().residentSummary());
    }

    private ResidentSummary inMainMemory() {
        return pinnedTier().map(PinnedTier::residentSummary).orElseGet(expertTiers::residentSummary);
    }

    /// Says whether the first tier has a slot for every expert.
    public boolean allExpertsFit() {
        return allFit(whileNoStep(expertTiers::residentSummary));
    }

    private static boolean allFit(ResidentSummary tier) {
        return tier.slots().number() == tier.numExperts();
    }

    private static String policyWords(PolicyChoice policy, ResidentSummary tier) {
        return switch (policy) {
            case PolicyChoice.Auto _ -> {
                int slots = tier.slots().number();
                String room = allFit(tier) ? "all" : slots + " of";
                yield Policies.nameByRoom(slots, tier.numExperts()) + ", as " + room + " " + tier.numExperts()
                        + " experts fit";
            }
            case PolicyChoice.Named named -> named.name();
            case PolicyChoice.Own _ -> "the caller's";
        };
    }

    /// Returns which policy says what leaves the first tier, and why if nobody asked for it.
    public String policyDescription() {
        return policyWords;
    }

    /// Returns what main memory was meant for when the model was loaded.
    public MemoryPlan memoryPlan() {
        return memoryPlan;
    }

    /// Says that a budget does not fit beside the rest, and beside what, if so.
    public Optional<String> memoryWarning() {
        long bytes = whileNoStep(this::inMainMemory).slots().bytes()
                + ofCopies().map(tier -> tier.slots().bytes()).orElse(0L);
        return memory.isAsked() ? memoryPlan.excess(bytes) : Optional.empty();
    }

    /// Returns how experts are read, and why so.
    public String ioDescription() {
        return store.ioDescription();
    }

    /// Returns what computes.
    public String deviceDescription() {
        return devices.description();
    }

    /// Returns the store the model came from.
    public ExpertStore store() {
        return store;
    }

    /// Returns the store that copies of experts in fewer bits come from, if there are any.
    public Optional<ExpertStore> storeOfCopies() {
        return copyStore.map(CopyStore::store);
    }

    /// Returns the tokens that end an answer: those of `generation_config.json`, else of `config.json`.
    public Set<Integer> endOfSequence() {
        return generationConfig()
                .flatMap(config -> Families.endOfSequence(config, spec))
                .or(() -> Families.endOfSequence(store.config(), spec))
                .orElse(Set.of());
    }

    /// Returns the tokens that no answer has: those that `generation_config.json` suppresses.
    public Set<Integer> suppressedTokens() {
        return generationConfig()
                .map(config -> Families.suppressedTokens(config, spec))
                .orElse(Set.of());
    }

    /// Returns the token that every output begins with behind the decoder's first one, if `generation_config.json`, or
    /// else `config.json`, names one: a translation model's language.
    public Optional<Integer> forcedFirstToken() {
        return generationConfig()
                .flatMap(config -> Families.forcedFirstToken(config, spec))
                .or(() -> Families.forcedFirstToken(store.config(), spec));
    }

    private Optional<JsonObject> generationConfig() {
        return store.file("generation_config.json").map(Json::readObject);
    }

    /// Waits for the step under way; sessions fail from then on.
    @Override
    public void close() {
        step.lock();
        try {
            closed = true;
            owned.close();
        } finally {
            step.unlock();
        }
    }

    /// Returns the bytes that devices keep between operations, activations on their way between them, and the rotations
    /// of all positions so far.
    long workingBytes() {
        return placesBytes + (device.readsMainMemory() ? model.positionBytes() : 0) + devices.workingBytes();
    }

    /// Returns the bytes of the weights outside the experts.
    long otherWeightBytes() {
        return store.denseBytes();
    }

    /// Registers a listener, which is told what this engine does from now on.
    public void listen(ActivityListener listener) {
        counters.listen(listener);
    }

    /// Makes marks among the kernels of this engine's device, for the thread that computes; to be closed before the
    /// engine.
    public DeviceMarks newMarks() {
        return device.newMarks();
    }

    /// Returns what was guessed of the layers' choices, and how often that was right.
    public Lookahead lookahead() {
        return model.lookahead();
    }

    /// Returns what was found out about prefetching.
    public PrefetchTrial prefetchTrial() {
        return prefetchTrial;
    }

    MoeModel model() {
        return model;
    }

    Device device() {
        return device;
    }

    /// Returns the time by which ways to do the same are compared.
    long nanos() {
        return devices.nanos();
    }

    Counters counters() {
        return counters;
    }

    void lockStep() {
        step.lock();
        if (closed) {
            step.unlock();
            throw new IllegalStateException("the engine is closed");
        }
    }

    /// Returns what `action` does while no step is under way, nor slots come or go, whether this is closed or not.
    <T> T whileNoStep(Supplier<T> action) {
        step.lock();
        try {
            return action.get();
        } finally {
            step.unlock();
        }
    }

    /// Checks that `bytes` of keys and values in main memory can be had if experts give way.
    ///
    /// @throws IllegalStateException if the engine is closed
    void requireRoom(long bytes) {
        lockStep(); // as the guard ends with the engine
        try {
            if (bytes > 0 && device.readsMainMemory()) {
                guard.requireRoom(bytes);
            }
        } finally {
            unlockStep();
        }
    }

    /// Has experts give way to `bytes` that will be allocated in main memory now, and on devices to whoever needs their
    /// memory, between two steps. The step is locked.
    void relieve(long bytes) {
        guard.requireSound();
        if (bytes > 0 && device.readsMainMemory()) {
            guard.makeRoom(bytes);
        }
        if (!vramGuards.isEmpty()) {
            long now = nanos();
            for (int i = 0; i < vramGuards.size(); i++) {
                vramGuards.get(i).look(now);
            }
        }
    }

    void unlockStep() {
        step.unlock();
    }

    void logits(Workspace workspace, int row, int n, DeviceBuffer out) {
        lockStep();
        try {
            model.logits(workspace, row, n, out);
        } finally {
            unlockStep();
        }
    }

    /// Copies the logits from `from` on.
    void download(DeviceBuffer logits, int from, float[] out) {
        lockStep();
        try {
            device.download(logits, from, out.length, out, 0);
        } finally {
            unlockStep();
        }
    }

    /// Copies a row of a buffer to the first row of another one.
    void copyRow(DeviceBuffer rows, int row, int cols, DeviceBuffer out) {
        lockStep();
        try {
            device.kernels().copyRows(rows, new int[] {row}, new int[1], 0, 1, cols, out);
        } finally {
            unlockStep();
        }
    }

    void largest(DeviceBuffer logits, int n, int k, Largest out) {
        lockStep();
        try {
            device.kernels().largest(logits, 0, n, k, out);
        } finally {
            unlockStep();
        }
    }

    /// Opens them when the dense weights are in main memory, so that what is available there no longer includes these.
    private ExpertTiers openTiers(Residency residency) {
        StoreSource source = new StoreSource(store, counters);
        Loaders loaders = devices.loaders();
        if (devices.readMainMemory()) {
            return ExpertTiers.inMainMemory(source, device, residency, loaders, counters);
        }
        long[] vramBytes = memory.expertsOnDevices(batch);
        PinnedTier pinned = PinnedTier.open(source, device, residency, counters, loaders);
        return ExpertTiers.over(
                pinned,
                devices.all(),
                residency.numExpertsPerToken(),
                vramBytes,
                residency.policy(),
                config.offloading().misses(),
                loaders,
                counters);
    }

    /// Returns the most experts that a layer chooses for a token.
    static int numExpertsPerToken(ModelSpec spec) {
        return Math.max(1, spec.mostExpertsPerToken());
    }

    private static ModelSpec selected(ModelSpec spec, ExpertSelection selection) {
        if (selection.experts().isEmpty()) {
            return spec;
        }
        try {
            return spec.withExpertsPerToken(selection.experts().getAsInt());
        } catch (IllegalArgumentException e) {
            throw InvalidOptionException.of("experts", e);
        }
    }

    /// Returns how many tokens a session of a model holds.
    static int contextLength(ModelSpec spec, EngineConfig config) {
        if (config.memory().contextLength() > spec.maxPositionEmbeddings()) {
            throw new InvalidOptionException(
                    "contextLength",
                    config.memory().contextLength() + " is more than the " + spec.maxPositionEmbeddings()
                            + " tokens that the model allows (max_position_embeddings)");
        }
        return config.memory().contextLength() > 0
                ? config.memory().contextLength()
                : Math.min(spec.maxPositionEmbeddings(), Memory.DEFAULT_CONTEXT);
    }
}
