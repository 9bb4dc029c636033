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
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;

/// What a node does for drivers: takes those whose kernels compute the same bits, holds the experts of their models in
/// one budget of memory, and computes for one of them at a time.
///
/// A model is held from its first driver's coming to its last one's leaving; what came to the disk stays there.
public final class NodeHost implements NodeService, AutoCloseable {
    private static final Path DRIVERS = Path.of("the driver's manifest.json"); // in messages

    private final Node node;
    private final NodeStores stores;
    private final Consumer<String> says;
    private final HeldModel.Surroundings around;
    private final Map<String, HeldModel> held = new HashMap<>(); // guarded by this, as is what follows
    private final Map<String, NodeStore> opened = new HashMap<>(); // of models that were held once, too
    private long freeBytes;
    private int numClosing; // models whose memory is about to be free
    private boolean closed;
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

    /// @param stores open what this machine's disk has of a model
    /// @param device which computes, and reads main memory; stays the caller's
    /// @param says is told in a sentence who comes and goes
    public NodeHost(Node node, NodeStores stores, Device device, Consumer<String> says) {
        this.node = node;
        this.stores = stores;
        this.says = says;
        around = new HeldModel.Surroundings(device, new ReentrantLock(true), says);
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
        HeldModel model = enter(hello);
        says.accept("a driver has come for model " + hello.model() + ": " + model.onDisk().length + " of "
                + model.numExperts() + " experts are on this disk, " + ByteSize.format(model.ramBytes())
                + " of memory for them" + (differs ? "; its kernels compute other bits" : ""));
        Welcome welcome = new Welcome(
                node.kernels(), model.ramBytes(), node.bytesPerSecond(), node.readBytesPerSecond(), model.onDisk());
        return new DriverAtNode(model, welcome, ready);
    }

    private synchronized HeldModel enter(Hello hello) {
        awaitFreeMemory();
        if (closed) {
            throw new RefusedException("this node is leaving");
        }
        HeldModel model = held.get(hello.model());
        if (model == null) {
            model = open(hello);
            held.put(hello.model(), model);
            freeBytes -= model.ramBytes();
        } else if (!model.computes(hello.activations())) {
            throw new RefusedException(
                    "model " + hello.model() + " is held for a driver whose experts have other activations");
        }
        model.numGuests++;
        return model;
    }

    /// Waits until those who leave have left.
    private synchronized void awaitFreeMemory() {
        boolean interrupted = false;
        while (numClosing > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private HeldModel open(Hello hello) {
        StoreManifest manifest;
        try {
            manifest = StoreManifest.parse(hello.manifest(), DRIVERS);
        } catch (MalformedModelException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
        if (!manifest.expertsDigest().equals(hello.model())) {
            throw new RefusedException("the driver's manifest is not that of model " + hello.model());
        }
        try {
            NodeStore store = opened.get(hello.model());
            if (store == null) {
                store = stores.open(manifest);
                opened.put(hello.model(), store);
            }
            HeldModel model = HeldModel.open(store, hello.activations(), around, freeBytes);
            model.sources(sources.apply(manifest));
            return model;
        } catch (IOException | IllegalArgumentException | MalformedModelException e) {
            throw new RefusedException(String.valueOf(e.getMessage()));
        }
    }

    private static String name(HeldModel model) {
        return model.store().manifest().expertsDigest();
    }

    private void leave(HeldModel model) {
        synchronized (this) {
            if (--model.numGuests > 0) {
                return;
            }
            held.remove(name(model));
            numClosing++;
        }
        try {
            model.close();
        } finally {
            synchronized (this) {
                freeBytes += model.ramBytes();
                numClosing--;
                notifyAll();
            }
        }
        says.accept("the last driver of model " + name(model) + " has left: " + ByteSize.format(model.ramBytes())
                + " of memory are free again");
    }

    /// Says from now on whom to ask for the blocks of a model; to be called again when others come and go.
    public synchronized void sources(Function<StoreManifest, List<? extends BlockSource>> newSources) {
        sources = newSources;
        held.values()
                .forEach(model -> model.sources(newSources.apply(model.store().manifest())));
    }

    /// Returns what this node has of a model that it holds, or has held; open as long as this.
    public synchronized Optional<NodeStore> store(String model) {
        return Optional.ofNullable(opened.get(model));
    }

    /// Returns the models that are held now, with how many of their experts are on this disk.
    public synchronized List<String> models() {
        return held.values().stream()
                .map(model -> name(model) + ": " + model.onDisk().length + " of " + model.numExperts() + " experts, "
                        + model.numGuests + (model.numGuests == 1 ? " driver" : " drivers"))
                .sorted()
                .toList();
    }

    /// Takes no driver any more; those that are there stay until they leave or are cut off.
    public synchronized void leave() {
        closed = true;
    }

    /// Closes what is open. To be called when no driver is there any more, and nobody asks for blocks.
    @Override
    public synchronized void close() {
        closed = true;
        opened.values().forEach(NodeStore::close);
        opened.clear();
    }

    /// One driver at this node.
    private final class DriverAtNode implements Guest {
        private final HeldModel model;
        private final Welcome welcome;
        private final HeldModel.Guest guest;

        DriverAtNode(HeldModel model, Welcome welcome, Consumer<int[]> ready) {
            this.model = model;
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
            leave(model);
        }
    }
}
