package io.moetier.cluster.node;

import io.moetier.cluster.copy.BlockFetcher;
import io.moetier.cluster.copy.BlockSource;
import io.moetier.cluster.copy.FetchLimits;
import io.moetier.cluster.copy.FetchListener;
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
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The experts of one model at a node: those that are on its disk, of which some are in memory, and those that are
/// still
/// to come from other machines.
///
/// Requests are computed by their links' threads, one at a time. In between, one thread reads what is assigned into
/// memory that is free, the most valuable first, and a few more fetch what is not on the disk; both step back where
/// requests come.
final class HeldModel implements AutoCloseable {
    private static final long BUSY_NANOS = 50_000_000; // so long after a request another one is likely

    private final NodeStore store;
    private final Map<Integer, FfnActivation> activations;
    private final ExpertShare share;
    private final long ramBytes;
    private final Set<Integer> known;
    private final ReentrantLock computing;
    private final Consumer<String> says;
    private final @Nullable BlockFetcher fetcher; // null where all experts are on the disk
    private final Thread warmer;
    private final Map<Guest, int[]> assigned = new LinkedHashMap<>(); // guarded by this, as is what follows
    private int[] toWarm = {};
    private boolean closed;
    private final ExpertRequest part = new ExpertRequest(); // guarded by computing
    private volatile long lastRequest = System.nanoTime() - BUSY_NANOS;

    /// A driver here.
    ///
    /// @param ready is told which experts can be computed
    record Guest(Consumer<int[]> ready) {}

    /// What all models of a node share.
    ///
    /// @param computing guards the device
    record Surroundings(Device device, ReentrantLock computing, Consumer<String> says) {}

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
        says = around.says();
        known = new HashSet<>();
        store.manifest().experts().forEach(entry -> known.add(entry.id().pack()));
        fetcher = store.growing()
                .map(partial -> BlockFetcher.start(partial, FetchLimits.DEFAULT, this::isBusy, new FetchListener() {
                    @Override
                    public void ready(int[] ids) {
                        tellReady(ids);
                    }

                    @Override
                    public void problem(String sentence) {
                        says.accept(sentence);
                    }
                }))
                .orElse(null);
        warmer = Thread.ofPlatform().daemon().name("moetier-warm").start(this::warm);
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
        SharedExperts shared = new SharedExperts(
                store.source(ids), layer -> layouts.getOrDefault(layer, BlockLayout.EMPTY), activations);
        long ramBytes = Math.min(freeBytes, all);
        if (ramBytes < shared.minimumBytes()) {
            throw new IllegalArgumentException("this node has " + ByteSize.format(freeBytes)
                    + " of memory left for experts, and the model needs " + ByteSize.format(shared.minimumBytes())
                    + " at least");
        }
        ExpertShare share =
                ExpertShare.open(shared, around.device(), ramBytes, Policies.byRoom(), Loaders.THREADS, new Counters());
        return new HeldModel(store, activations, share, ramBytes, around);
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
        guest.ready().accept(Arrays.stream(ids).filter(store::has).toArray());
        followAssignments();
    }

    void remove(Guest guest) {
        synchronized (this) {
            assigned.remove(guest);
        }
        followAssignments();
    }

    private void followAssignments() {
        int[] wanted;
        synchronized (this) {
            wanted = assigned.values().stream()
                    .flatMapToInt(IntStream::of)
                    .distinct()
                    .toArray();
            toWarm = wanted;
            notifyAll();
        }
        if (fetcher != null) {
            fetcher.want(wanted);
        }
    }

    private void tellReady(int[] ids) {
        List<Guest> guests;
        synchronized (this) {
            guests = List.copyOf(assigned.keySet());
            int[] more = Arrays.copyOf(toWarm, toWarm.length + ids.length);
            System.arraycopy(ids, 0, more, toWarm.length, ids.length);
            toWarm = more;
            notifyAll();
        }
        guests.forEach(guest -> guest.ready().accept(ids));
    }

    private boolean isBusy() {
        return System.nanoTime() - lastRequest < BUSY_NANOS;
    }

    private void warm() {
        int[] next = new int[1];
        while (true) {
            int id;
            synchronized (this) {
                while (toWarm.length == 0 && !closed) {
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        return; // nobody interrupts this thread but a JVM that ends
                    }
                }
                if (closed) {
                    return;
                }
                id = toWarm[0];
                toWarm = Arrays.copyOfRange(toWarm, 1, toWarm.length);
            }
            next[0] = id;
            warm(next);
        }
    }

    private void warm(int[] one) {
        if (!store.has(one[0])) {
            return;
        }
        computing.lock();
        try {
            share.warm(one);
        } catch (MalformedModelException | IllegalStateException e) {
            isDamaged(e);
        } finally {
            computing.unlock();
        }
    }

    /// Computes what a request asks for; experts that are not on this disk are lacking.
    ///
    /// @throws RefusedException if the model has no such experts or rows
    void compute(ExpertRequest request, ExpertReply reply) {
        computing.lock();
        try {
            lastRequest = System.nanoTime();
            long start = System.nanoTime();
            reply.reserve(request.numExperts, request.numRows, request.size);
            reply.sequence = request.sequence;
            reply.numExperts = request.numExperts;
            reply.size = request.size;
            computeWhatIsHere(request, reply);
            reply.nanos = System.nanoTime() - start;
            lastRequest = System.nanoTime();
        } catch (IllegalArgumentException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        } finally {
            computing.unlock();
        }
    }

    private void computeWhatIsHere(ExpertRequest request, ExpertReply reply) {
        int numHere = numHere(request, reply.lacking);
        int before = Integer.MAX_VALUE;
        reply.numRows = 0;
        reply.numRead = 0;
        while (numHere > 0 && numHere < before) { // once more without what has turned out to be damaged
            ExpertRequest here = numHere == request.numExperts ? request : part(request, reply.lacking);
            try {
                reply.numRead += share.compute(here, reply.outputs);
                reply.numRows = here.numRows;
                return;
            } catch (MalformedModelException | IllegalStateException e) {
                isDamaged(e);
                before = numHere;
                numHere = numHere(request, reply.lacking);
            }
        }
        Arrays.fill(reply.lacking, 0, request.numExperts, true);
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

    /// What is damaged is no longer in the store, and is fetched again.
    private void isDamaged(RuntimeException e) {
        says.accept(String.valueOf(e.getMessage()));
        followAssignments();
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
        boolean interrupted = false;
        while (warmer.isAlive()) {
            try {
                warmer.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        try (share;
                BlockFetcher _ = fetcher) {
            // what fetches ends first
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
