package io.moetier.cluster.node;

import io.moetier.cluster.copy.BlockFetcher;
import io.moetier.cluster.copy.BlockSource;
import io.moetier.cluster.copy.FetchListener;
import io.moetier.cluster.copy.LossListener;
import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.remote.ExpertShare;
import io.moetier.runtime.remote.SharedExperts;
import io.moetier.runtime.session.MemoryGuard;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.AbsentExpertException;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.AnonymousMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.DamagedBlockException;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The experts of one model at a node: those that are on its disk, of which some are in memory, and those that are
/// still to come from other machines.
///
/// Requests are computed by their links' threads, one at a time. In between, one thread reads what is assigned into
/// memory that is free, the most valuable first, and a few more fetch what is not on the disk. Where requests come,
/// what is read is read beside them, one expert at a time, and less is fetched.
///
/// *An expert that cannot be read* is lacking, and drivers ask no longer for what was lacking once, until they are told
/// that it is ready. If its block is damaged, it is no longer in the store; one that grows fetches it again, and it is
/// told of then. If the disk has failed, the block may be fine: it is tried again after a while.
final class HeldModel implements AutoCloseable {
    private static final long BUSY_NANOS = 50_000_000; // so long after a request another one is likely

    private final NodeStore store;
    private final Map<Integer, FfnActivation> activations;
    private final ExpertShare share;
    private final long ramBytes;
    private final Set<Integer> known;
    private final long mostSlotBytes;
    private final ReentrantLock computing;
    private final AtomicLong lastRequest;
    private final Consumer<String> says;
    private final @Nullable BlockFetcher fetcher; // null where all experts are on the disk
    private final Thread warmer;
    private final @Nullable MemoryGuard guard; // null where nobody is asked to give way
    private final Map<Guest, int[]> assigned = new LinkedHashMap<>(); // guarded by this, as is what follows
    private final WarmQueue toRead = new WarmQueue(System.nanoTime());
    private boolean closed;
    private final ExpertRequest part = new ExpertRequest(); // guarded by computing

    /// A driver here, told apart by which object it is.
    static final class Guest {
        private final Consumer<int[]> ready;

        /// @param ready is told which experts can be computed
        Guest(Consumer<int[]> ready) {
            this.ready = ready;
        }
    }

    /// What all models of a node share.
    ///
    /// @param computing guards the device
    /// @param lastRequest when a request was computed
    /// @param guards have experts give way when memory gets short
    record Surroundings(
            Device device, ReentrantLock computing, AtomicLong lastRequest, Guards guards, Consumer<String> says) {
        Surroundings(Device device, Guards guards, Consumer<String> says) {
            this(device, new ReentrantLock(true), new AtomicLong(System.nanoTime() - BUSY_NANOS), guards, says);
        }
    }

    /// Has experts of a share give way when memory gets short.
    interface Guards {
        /// Begins to guard, if there is anything to guard against.
        ///
        /// @param computing is held by whoever uses the share
        Optional<MemoryGuard> start(ExpertShare share, Lock computing);
    }

    private HeldModel(
            NodeStore store,
            Map<Integer, FfnActivation> activations,
            ExpertShare share,
            long ramBytes,
            Surroundings around) {
        this.store = store;
        this.activations = activations;
        this.share = share;
        this.ramBytes = ramBytes;
        computing = around.computing();
        lastRequest = around.lastRequest();
        says = around.says();
        known = new HashSet<>();
        store.manifest().experts().forEach(entry -> known.add(entry.id().pack()));
        mostSlotBytes = store.manifest().sizeClasses().stream()
                .mapToLong(sizeClass -> sizeClass.layout().slotBytes())
                .max()
                .orElse(0);
        fetcher = store.growing()
                .map(partial -> BlockFetcher.start(partial, this::isBusy, new FetchListener() {
                    @Override
                    public void ready(int[] ids) {
                        haveCome(ids);
                    }

                    @Override
                    public void problem(String sentence) {
                        says.accept(sentence);
                    }
                }))
                .orElse(null);
        guard = around.guards().start(share, computing).orElse(null);
        warmer = Thread.ofPlatform().daemon().name("moetier-warm").start(this::readAhead);
    }

    /// @param store which stays the caller's, and is closed after this
    /// @param freeBytes of memory
    /// @throws IllegalArgumentException if no expert fits
    static HeldModel open(
            NodeStore store, Map<Integer, FfnActivation> activations, Surroundings around, long freeBytes) {
        List<StoreManifest.Entry> experts = store.manifest().experts();
        Map<Integer, BlockLayout> layouts = new HashMap<>();
        long all = 0;
        for (StoreManifest.Entry entry : experts) {
            BlockLayout layout =
                    store.manifest().sizeClasses().get(entry.sizeClass()).layout();
            layouts.put(entry.id().layer(), layout);
            all += layout.slotBytes();
        }
        int[] ids = experts.stream().mapToInt(entry -> entry.id().pack()).toArray();
        AtomicReference<LossListener> losses = new AtomicReference<>(_ -> {}); // nothing is read before all is made
        SharedExperts shared = new SharedExperts(
                store.source(ids, damage -> Objects.requireNonNull(losses.get()).onLoss(damage)),
                layer -> layouts.getOrDefault(layer, BlockLayout.EMPTY),
                activations);
        long ramBytes = Math.min(freeBytes, all);
        if (ramBytes < shared.minimumBytes()) {
            throw new IllegalArgumentException("this node has " + ByteSize.format(freeBytes)
                    + " of memory left for experts, and the model needs " + ByteSize.format(shared.minimumBytes())
                    + " at least");
        }
        ExpertShare share =
                ExpertShare.open(shared, around.device(), ramBytes, Policies.byRoom(), Loaders.THREADS, new Counters());
        HeldModel held = new HeldModel(store, activations, share, ramBytes, around);
        losses.set(held::haveLost);
        return held;
    }

    long ramBytes() {
        return ramBytes;
    }

    int numExperts() {
        return known.size();
    }

    int[] onDisk() {
        return store.onDisk();
    }

    boolean computes(Map<Integer, FfnActivation> asked) {
        return activations.equals(asked);
    }

    /// Says who can be asked for blocks from now on.
    void sources(List<? extends BlockSource> sources) {
        if (fetcher != null) {
            fetcher.sources(sources);
        }
    }

    /// Makes `ids` a guest's own, in place of what was before.
    ///
    /// @throws RefusedException if the model has no such experts
    void assign(Guest guest, int[] ids) {
        for (int id : ids) {
            if (!known.contains(id)) {
                throw new RefusedException("the model has no expert " + id);
            }
        }
        synchronized (this) {
            assigned.put(guest, ids.clone());
        }
        guest.ready.accept(Arrays.stream(ids).filter(store::has).toArray());
        followAssignments();
    }

    void remove(Guest guest) {
        synchronized (this) {
            assigned.remove(guest);
        }
        followAssignments();
    }

    private synchronized void followAssignments() {
        int[] wanted = wanted();
        toRead.want(wanted);
        notifyAll();
        if (fetcher != null) {
            fetcher.want(wanted); // under the lock, so that no list takes the place of a newer one
        }
    }

    /// Returns what all guests own: the most valuable of each, then the next ones.
    private int[] wanted() {
        int longest =
                assigned.values().stream().mapToInt(ids -> ids.length).max().orElse(0);
        return IntStream.range(0, longest)
                .flatMap(place -> assigned.values().stream()
                        .filter(ids -> place < ids.length)
                        .mapToInt(ids -> ids[place]))
                .distinct()
                .toArray();
    }

    /// Blocks have come to the disk.
    private void haveCome(int[] ids) {
        synchronized (this) {
            toRead.add(ids);
            notifyAll();
        }
        tellReady(ids);
    }

    private void tellReady(int[] ids) {
        List<Guest> guests;
        synchronized (this) {
            guests = List.copyOf(assigned.keySet());
        }
        guests.forEach(guest -> guest.ready.accept(ids));
    }

    private boolean isBusy() {
        return System.nanoTime() - lastRequest.get() < BUSY_NANOS;
    }

    private void readAhead() {
        while (true) {
            switch (next()) {
                case WarmQueue.Step.Warm(int id) -> warm(id);
                case WarmQueue.Step.Begin(int id) -> beginToWarm(id);
                case WarmQueue.Step.Check(int id) -> check(id);
                case WarmQueue.Step.Wait _ -> {
                    return;
                }
            }
        }
    }

    /// Waits until there is something to read; a wait that is returned is for ever.
    private synchronized WarmQueue.Step next() {
        while (!closed) {
            WarmQueue.Step step = toRead.next(System.nanoTime(), isBusy());
            if (!(step instanceof WarmQueue.Step.Wait(long nanos))) {
                return step;
            }
            try {
                wait(nanos == Long.MAX_VALUE ? 0 : TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
            } catch (InterruptedException e) {
                closed = true; // nobody interrupts this thread but a JVM that ends
            }
        }
        return new WarmQueue.Step.Wait(Long.MAX_VALUE);
    }

    private void warm(int id) {
        if (!store.has(id)) {
            return;
        }
        computing.lock();
        try {
            share.warm(new int[] {id});
        } catch (MalformedModelException | AbsentExpertException e) {
            boolean _ = haveFailed(Set.of(id), e);
        } finally {
            computing.unlock();
        }
    }

    /// Requests are coming: whoever computes them must not wait for a read.
    private void beginToWarm(int id) {
        boolean isSettled = true;
        if (store.has(id)) {
            computing.lock();
            try {
                isSettled = share.warmBehind(id);
            } finally {
                computing.unlock();
            }
        }
        if (isSettled) {
            synchronized (this) {
                toRead.settled(id, System.nanoTime());
            }
        }
    }

    /// Tells of an expert that was lacking if it can be read.
    private void check(int id) {
        try (Arena arena = Arena.ofConfined()) {
            store.read(id, AnonymousMemory.allocate(mostSlotBytes, arena));
        } catch (MalformedModelException | AbsentExpertException e) {
            if (store.has(id)) {
                lookForAgain(Set.of(id));
            } else {
                followAssignments();
            }
            return;
        }
        tellReady(new int[] {id});
    }

    /// A block was damaged, whoever read it: also behind requests, where nobody waits for it.
    private void haveLost(String damage) {
        says.accept(damage);
        followAssignments();
    }

    /// Some experts could not all be read; returns whether the disk has failed. What is damaged is gone, as is what a
    /// disk fails to read of some experts of a model, and comes anew, or has come by now: whoever read it has told.
    private boolean haveFailed(Set<Integer> ids, RuntimeException failure) {
        boolean isGone =
                fetcher != null || failure instanceof DamagedBlockException || failure instanceof AbsentExpertException;
        if (!isGone) {
            says.accept(String.valueOf(failure.getMessage()));
            lookForAgain(ids);
        }
        return !isGone;
    }

    /// Tells of these experts again when they can be read.
    private void lookForAgain(Set<Integer> ids) {
        synchronized (this) {
            toRead.failed(ids, System.nanoTime());
            notifyAll();
        }
    }

    /// Computes what a request asks for; experts that are not on this disk are lacking.
    ///
    /// @throws RefusedException if the model has no such experts or rows
    void compute(ExpertRequest request, ExpertReply reply) {
        computing.lock();
        try {
            long start = System.nanoTime();
            lastRequest.set(start);
            if (guard != null) {
                guard.requireSound();
            }
            reply.reserve(request.numExperts, request.numRows, request.size);
            reply.sequence = request.sequence;
            reply.numExperts = request.numExperts;
            reply.size = request.size;
            computeWhatIsHere(request, reply);
            reply.nanos = System.nanoTime() - start;
            lastRequest.set(System.nanoTime());
        } catch (IllegalArgumentException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        } finally {
            computing.unlock();
        }
    }

    private void computeWhatIsHere(ExpertRequest request, ExpertReply reply) {
        int numHere = numHere(request, reply.lacking);
        reply.numRows = 0;
        reply.numRead = 0;
        boolean diskFailed = false;
        // once more without what is no longer there, be it that some of it comes again meanwhile
        for (int tries = 0; numHere > 0 && tries <= request.numExperts && !diskFailed; tries++) {
            ExpertRequest here = numHere == request.numExperts ? request : part(request, reply.lacking);
            try {
                reply.numRead += share.compute(here, reply.outputs);
                reply.numRows = here.numRows;
                return;
            } catch (MalformedModelException | AbsentExpertException e) {
                diskFailed = haveFailed(experts(here), e);
                numHere = numHere(request, reply.lacking);
            }
        }
        if (numHere > 0) { // the driver takes them for lacking until it is told of them again
            Arrays.fill(reply.lacking, 0, request.numExperts, true);
            lookForAgain(experts(request));
        }
    }

    private static Set<Integer> experts(ExpertRequest request) {
        Set<Integer> ids = new LinkedHashSet<>();
        for (int i = 0; i < request.numExperts; i++) {
            ids.add(ExpertId.pack(request.layer, request.experts[i]));
        }
        return ids;
    }

    /// Says of each expert of a request whether it is lacking, and returns how many are not.
    private int numHere(ExpertRequest request, boolean[] lacking) {
        int numHere = 0;
        for (int i = 0; i < request.numExperts; i++) {
            lacking[i] = !store.has(ExpertId.pack(request.layer, request.experts[i]));
            numHere += lacking[i] ? 0 : 1;
        }
        return numHere;
    }

    /// Returns the part of a request whose experts are not lacking.
    private ExpertRequest part(ExpertRequest request, boolean[] lacking) {
        part.reserve(request.numExperts, request.numRows, request.numInputs, request.size);
        part.begin(request.sequence, request.layer, request.tokens, request.size);
        int row = 0;
        for (int i = 0; i < request.numExperts; i++) {
            int count = request.counts[i];
            if (!lacking[i]) {
                part.experts[part.numExperts] = request.experts[i];
                part.weights[part.numExperts] = request.weights[i];
                part.counts[part.numExperts++] = count;
                System.arraycopy(request.rows, row, part.rows, part.numRows, count);
                part.numRows += count;
            }
            row += count;
        }
        part.numInputs = request.numInputs;
        System.arraycopy(request.inputs, 0, part.inputs, 0, request.numInputs * request.size);
        return part;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        Uninterrupted.join(warmer);
        try (share;
                MemoryGuard _ = guard;
                BlockFetcher _ = fetcher) {
            // what fetches ends first
        }
    }
}
