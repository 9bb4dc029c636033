package io.moetier.cluster.node;

import io.moetier.cluster.copy.BlockSource;
import io.moetier.cluster.copy.NodeStore;
import io.moetier.cluster.link.NodeService;
import io.moetier.cluster.link.RefusedException;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.cluster.wire.Welcome;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.session.MemoryGuard;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/// What a node does for drivers: takes those whose kernels compute the same bits, holds the experts of their models in
/// one budget of memory, and computes for one of them at a time.
///
/// A model is held from its first driver's coming to its last one's leaving, and its files are open as long; what came
/// to the disk stays there.
///
/// Concurrency: a model is opened and closed without the lock, which others need meanwhile to compute, to read blocks
/// and to leave. Until that is done, nobody knows how much memory is free, so a driver that comes waits. The last one
/// that leaves waits until the blocks that others are reading have been read.
public final class NodeHost implements NodeService {
    private static final Path DRIVERS = Path.of("the driver's manifest.json"); // in messages

    private final Node node;
    private final NodeStores stores;
    private final Consumer<String> says;
    private final HeldModel.Surroundings around;
    private final Map<String, Held> held = new HashMap<>(); // guarded by this, as is what follows
    private long freeBytes;
    private int numChanging; // models that are being opened or closed
    private boolean isLeaving;
    private Function<StoreManifest, List<? extends BlockSource>> sources = _ -> List.of();

    /// What a node is.
    ///
    /// @param name what people call it
    /// @param version of the program
    /// @param kernels which bits its kernels compute
    /// @param threads that compute
    /// @param ramBytes for experts
    /// @param bytesPerSecond of experts' weights that it computes from memory
    /// @param readBytesPerSecond of experts that it reads from its disk
    public record Node(
            String name,
            String version,
            String kernels,
            int threads,
            long ramBytes,
            double bytesPerSecond,
            double readBytesPerSecond) {}

    /// A model that is held.
    private static final class Held {
        private final NodeStore store;
        private final HeldModel model;
        private int numGuests = 1; // guarded by the host, as is what follows
        private int numReaders; // of blocks

        Held(NodeStore store, HeldModel model) {
            this.store = store;
            this.model = model;
        }
    }

    /// @param stores open what this machine's disk has of a model
    /// @param device which computes, and reads main memory; stays the caller's
    /// @param says is told in a sentence who comes and goes
    public NodeHost(Node node, NodeStores stores, Device device, Consumer<String> says) {
        this(node, stores, device, (share, computing) -> Optional.of(MemoryGuard.start(share, computing)), says);
    }

    /// @param guards have experts give way when memory gets short
    NodeHost(Node node, NodeStores stores, Device device, HeldModel.Guards guards, Consumer<String> says) {
        this.node = node;
        this.stores = stores;
        this.says = says;
        around = new HeldModel.Surroundings(device, guards, says);
        freeBytes = node.ramBytes();
    }

    @Override
    public Guest open(Hello hello, Consumer<int[]> ready) {
        if (!hello.version().equals(node.version())) {
            throw new RefusedException(
                    "this node runs version " + node.version() + ", and the driver version " + hello.version());
        }
        boolean differs = !hello.kernels().equals(node.kernels());
        if (differs && !hello.mixed()) {
            throw new RefusedException("its kernels (" + node.kernels() + ") compute other bits than the driver's ("
                    + hello.kernels() + ")");
        }
        Held entered = enter(hello);
        HeldModel model = entered.model;
        says.accept("a driver has come for model " + hello.model() + ": " + model.onDisk().length + " of "
                + model.numExperts() + " experts are on this disk, " + ByteSize.format(model.ramBytes())
                + " of memory for them" + (differs ? "; its kernels compute other bits" : ""));
        Welcome welcome = new Welcome(
                node.kernels(), model.ramBytes(), node.bytesPerSecond(), node.readBytesPerSecond(), model.onDisk());
        return new DriverAtNode(entered, welcome, ready);
    }

    private Held enter(Hello hello) {
        long budgetBytes;
        synchronized (this) {
            Uninterrupted.await(() -> {
                while (numChanging > 0) {
                    wait();
                }
            });
            if (isLeaving) {
                throw new RefusedException("this node is leaving");
            }
            Held there = held.get(hello.model());
            if (there != null) {
                return enter(there, hello);
            }
            numChanging++;
            budgetBytes = freeBytes;
        }
        try {
            Held opened = open(hello, budgetBytes);
            hold(opened);
            return opened;
        } finally {
            endChange();
        }
    }

    /// Called under the lock.
    private static Held enter(Held there, Hello hello) {
        if (!there.model.computes(hello.activations())) {
            throw new RefusedException(
                    "model " + hello.model() + " is held for a driver whose experts have other activations");
        }
        there.numGuests++;
        return there;
    }

    private Held open(Hello hello, long budgetBytes) {
        StoreManifest manifest;
        try {
            manifest = StoreManifest.parse(hello.manifest(), DRIVERS);
        } catch (MalformedModelException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
        if (!manifest.expertsDigest().equals(hello.model())) {
            throw new RefusedException("the driver's manifest is not that of model " + hello.model());
        }
        Owned opened = new Owned();
        try {
            NodeStore store = stores.open(manifest);
            opened.add(store::close);
            return new Held(store, HeldModel.open(store, hello.activations(), around, budgetBytes));
        } catch (IOException e) {
            try (opened) {
                throw new RefusedException(IoFailure.sentence(e));
            }
        } catch (IllegalArgumentException | MalformedModelException e) {
            try (opened) {
                throw new RefusedException(String.valueOf(e.getMessage()));
            }
        } catch (RuntimeException | Error e) {
            try (opened) {
                throw e;
            }
        }
    }

    private synchronized void hold(Held opened) {
        held.put(name(opened), opened);
        freeBytes -= opened.model.ramBytes();
        opened.model.sources(sources.apply(opened.store.manifest()));
    }

    private synchronized void endChange() {
        numChanging--;
        notifyAll();
    }

    private void leave(Held model) {
        synchronized (this) {
            if (--model.numGuests > 0) {
                return;
            }
            held.remove(name(model));
            numChanging++;
        }
        Owned open = new Owned();
        open.add(this::endChange);
        open.add(() -> giveBack(model));
        open.add(model.store::close);
        open.add(() -> awaitReaders(model));
        open.add(model.model::close);
        open.close();
        says.accept("the last driver of model " + name(model) + " has left: " + ByteSize.format(model.model.ramBytes())
                + " of memory are free again");
    }

    private synchronized void awaitReaders(Held model) {
        Uninterrupted.await(() -> {
            while (model.numReaders > 0) {
                wait();
            }
        });
    }

    private synchronized void giveBack(Held model) {
        freeBytes += model.model.ramBytes();
    }

    private static String name(Held model) {
        return model.store.manifest().expertsDigest();
    }

    /// Says from now on whom to ask for the blocks of a model; to be called again when others come and go.
    public synchronized void sources(Function<StoreManifest, List<? extends BlockSource>> newSources) {
        sources = newSources;
        held.values().forEach(there -> there.model.sources(newSources.apply(there.store.manifest())));
    }

    /// Reads blocks of a model that is held, as [io.moetier.cluster.copy.OpenStores] does.
    public Optional<MemorySegment> read(String model, Function<NodeStore, MemorySegment> reader) {
        Held there;
        synchronized (this) {
            there = held.get(model);
            if (there == null) {
                return Optional.empty();
            }
            there.numReaders++;
        }
        try {
            return Optional.of(reader.apply(there.store));
        } finally {
            synchronized (this) {
                there.numReaders--;
                notifyAll();
            }
        }
    }

    /// Returns the models that are held now, with how many of their experts are on this disk.
    public synchronized List<String> models() {
        return held.values().stream()
                .map(there -> name(there) + ": " + there.model.onDisk().length + " of " + there.model.numExperts()
                        + " experts, " + there.numGuests + (there.numGuests == 1 ? " driver" : " drivers"))
                .sorted()
                .toList();
    }

    /// Takes no driver any more; those that are there stay until they leave or are cut off.
    public synchronized void leave() {
        isLeaving = true;
    }

    /// One driver at this node.
    private final class DriverAtNode implements Guest {
        private final Held held;
        private final HeldModel model;
        private final Welcome welcome;
        private final HeldModel.Guest guest;

        DriverAtNode(Held held, Welcome welcome, Consumer<int[]> ready) {
            this.held = held;
            model = held.model;
            this.welcome = welcome;
            guest = new HeldModel.Guest(ready);
        }

        @Override
        public Welcome welcome() {
            return welcome;
        }

        @Override
        public void assign(int[] ids) {
            model.assign(guest, ids);
        }

        @Override
        public void compute(ExpertRequest request, ExpertReply reply) {
            model.compute(request, reply);
        }

        @Override
        public void close() {
            model.remove(guest);
            leave(held);
        }
    }
}
