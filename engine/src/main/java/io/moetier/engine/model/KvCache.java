package io.moetier.engine.model;

import io.moetier.engine.device.KvLayer;
import io.moetier.engine.device.KvType;
import io.moetier.engine.model.spec.KeyValueSpec;
import io.moetier.engine.model.spec.ModelSpec;
import java.lang.foreign.Arena;
import java.util.List;

/// The keys and values of every attention block of one session. Memory comes as positions are stored.
public final class KvCache implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final List<KvLayer> layers;
    private final int capacity;

    /// @param capacity tokens that the session can hold
    public KvCache(ModelSpec spec, KvType type, int capacity) {
        this.capacity = capacity;
        layers = spec.blocks(KeyValueSpec.class)
                .map(attention -> new KvLayer(arena, type, capacity, attention.numKeyValueHeads(), attention.headDim()))
                .toList();
    }

    /// Returns the bytes that `positions` tokens take.
    public static long bytes(ModelSpec spec, KvType type, int positions) {
        return spec.blocks(KeyValueSpec.class)
                .mapToLong(attention -> bytesPerPosition(type, attention) * positions)
                .sum();
    }

    /// Returns the bytes that were allocated so far.
    public long allocatedBytes() {
        return layers.stream().mapToLong(KvLayer::allocatedBytes).sum();
    }

    /// Returns how many tokens fit.
    public int capacity() {
        return capacity;
    }

    /// Returns the keys and values of the `number`-th block that has any.
    KvLayer layer(int number) {
        return layers.get(number);
    }

    /// Allocates the memory of the first `positions` positions.
    public void reserve(int positions) {
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).reserve(positions);
        }
    }

    @Override
    public void close() {
        arena.close();
    }

    private static long bytesPerPosition(KvType type, KeyValueSpec attention) {
        return KvLayer.bytesPerPosition(type, attention.numKeyValueHeads(), attention.headDim());
    }
}
