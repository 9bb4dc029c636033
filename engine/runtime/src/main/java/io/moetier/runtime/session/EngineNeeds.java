package io.moetier.runtime.session;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.runtime.model.MoeModel;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.mixture.ExpertPlaces;
import io.moetier.runtime.model.mixture.ExpertsOnNodes;
import io.moetier.runtime.model.mixture.LargestProducts;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.Misses;
import java.util.function.Predicate;

/// What an engine takes of memory, by its model, its options and the device that all but experts is computed on: the
/// same sums for an engine that opens and for one that is only thought of.
///
/// @param device whose buffers are counted
/// @param here whether that device reads main memory
record EngineNeeds(ModelSpec spec, EngineConfig config, Device device, boolean here, Bytes bytes) {
    private static final int LEAST_BATCH = 64;
    private static final int BLOCKS_OF_LOADER = 2; // one is read ahead

    /// What is known of a model's weights.
    ///
    /// @param leastExperts the top-k experts of one layer
    /// @param weights all other weights
    /// @param weightsThere how much of these is in memory already
    /// @param loaders page cache that reading experts goes through
    record Bytes(long leastExperts, long weights, long weightsThere, long loaders) {}

    /// Returns how many tokens a session holds.
    int contextLength() {
        return Engine.contextLength(spec, config);
    }

    /// Returns how many tokens a pass takes at most: fewer than usual where their buffers, keys and values would
    /// leave less than twice the fewest experts, of which some are read while others are computed, or less than the
    /// fewest where a pass takes whole pictures, or experts are computed beside a device.
    ///
    /// An encoder's output begins with one pass, whose experts may have a capacity.
    int batch(Predicate<MemoryNeeds> fits) {
        int tokens = Math.min(Engine.BATCH, contextLength());
        if (config.memory().ramBytes().isEmpty()
                && (here || anyBeside())
                && spec.encoder().isEmpty()) {
            long experts = bytes.leastExperts() * (here && spec.vision().isEmpty() ? 2 : 1);
            while (tokens > LEAST_BATCH && !fits.test(inMainMemory(tokens, experts))) {
                tokens = Math.max(LEAST_BATCH, tokens / 2);
            }
        }
        return tokens;
    }

    /// Returns what is needed if a pass takes so many tokens at most.
    MemoryNeeds inMainMemory(int tokens) {
        return inMainMemory(tokens, bytes.leastExperts());
    }

    private MemoryNeeds inMainMemory(int tokens, long leastExperts) {
        return new MemoryNeeds(
                leastExperts,
                bytes.weights(),
                bytes.weightsThere(),
                here ? reservedKeyValues(tokens) : 0,
                (here ? workspace(tokens) + device.workingBytes(products(tokens)) : positions() + beside(tokens))
                        + Session.logitBytes(spec)
                        + rowsOfNodes(tokens),
                bytes.loaders(),
                config.memory().reservedBytes());
    }

    /// Returns what is needed of the device's own memory.
    ///
    /// @param others devices that compute experts for this one
    /// @param kept bytes that the device keeps between operations, those of [#productsOnDevice] included
    VramBudget onDevice(int tokens, int others, long kept) {
        return new VramBudget(
                bytes.weights(),
                KvCache.allocatedBytes(spec, config.numerics().kv(), contextLength()),
                workspace(tokens)
                        + input()
                        + others * ExpertPlaces.bytesHere(spec, tokens)
                        + nodesOnDevice(tokens)
                        + kept,
                bytes.leastExperts());
    }

    /// Returns the page cache that so many loaders read experts through.
    ///
    /// @param slotBytes of the largest experts
    static long loaderBytes(boolean pastCache, int numLoaders, long slotBytes) {
        return pastCache ? 0 : slotBytes * numLoaders * BLOCKS_OF_LOADER;
    }

    private long rowsOfNodes(int tokens) {
        long beside = config.compute().nodes().isPresent() ? ExpertsOnNodes.bytesOnHeap(spec, tokens) : 0;
        return beside + (here ? nodesOnDevice(tokens) : 0);
    }

    private long nodesOnDevice(int tokens) {
        return config.compute().nodes().isPresent() ? ExpertsOnNodes.bytesHere(spec, tokens) : 0;
    }

    private long workspace(int tokens) {
        return Session.workspaceBytes(spec, device, contextLength(), tokens) + positions();
    }

    private ProductSizes products(int tokens) {
        return LargestProducts.of(spec, Math.min(tokens, contextLength()));
    }

    /// Returns the largest products of passes of at most so many tokens on a device with memory of its own, or of an
    /// encoder's longest input.
    ProductSizes productsOnDevice(int tokens) {
        return spec.encoder().isEmpty()
                ? products(tokens)
                : products(tokens).max(LargestProducts.of(spec, spec.maxPositionEmbeddings()));
    }

    private boolean anyBeside() {
        return config.offloading().misses() != Misses.COPY;
    }

    /// Returns what the processor takes that computes experts which the device lacks.
    private long beside(int tokens) {
        return anyBeside()
                ? ExpertPlaces.bytesBeside(spec, tokens)
                        + CpuDevice.mostBytesBeside(LargestProducts.ofExperts(spec, tokens))
                : 0;
    }

    /// Returns what an encoder takes for the longest input, beside a session: in main memory experts give way to it.
    private long input() {
        int length = spec.maxPositionEmbeddings();
        return spec.encoder().isEmpty()
                ? 0
                : Workspace.bytes(spec, device, length) + KvCache.inputBytesBeyond(spec, contextLength(), length);
    }

    /// Returns the bytes of rotations, which are made in main memory, and which a device has copies of.
    private long positions() {
        return MoeModel.positionBytes(spec, contextLength());
    }

    private long reservedKeyValues(int tokens) {
        return reservedKeyValues(spec, config, contextLength(), tokens);
    }

    /// Returns the bytes of keys and values that are reserved before a model's device is known, at least.
    static long leastKeyValues(ModelSpec spec, EngineConfig config, int contextLength) {
        return reservedKeyValues(spec, config, contextLength, LEAST_BATCH);
    }

    /// Returns the bytes of keys and values that are reserved: all that were asked for, and those of a whole output,
    /// which are there from the beginning. Of other texts where nobody asked, those of the first `batch` tokens;
    /// experts give way to later ones.
    private static long reservedKeyValues(ModelSpec spec, EngineConfig config, int contextLength, int batch) {
        boolean all = config.memory().contextLength() > 0 || spec.encoder().isPresent();
        return KvCache.allocatedBytes(
                spec, config.numerics().kv(), all ? contextLength : Math.min(batch, contextLength));
    }
}
