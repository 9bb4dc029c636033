package io.moetier.runtime.model.memory;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.runtime.model.spec.KeyValueSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import java.lang.foreign.Arena;
import java.util.List;

/// What the mixers of one session remember: the keys and values, or latents, of every attention block, and the keys
/// of every indexer, whose memory comes as positions are stored, and the state of every recurrent block, whose size
/// is constant.
///
/// Keys and values of a position are overwritten by the next token there. States are changed by each token, so whoever
/// goes back asks [#resume] from where on tokens have to be computed again.
public final class KvCache implements AutoCloseable {
    /// The place to go back to when a prompt is given up: where it began.
    public static final int PROMPT = 0;

    /// The place to go back to when a prompt is answered once more: where its last batch began.
    public static final int BATCH = 1;

    private final Arena arena;
    private final List<KvLayer> layers;
    private final List<LatentLayer> latents;
    private final List<IndexLayer> indexes;
    private final RecurrentStates states;
    private final SequenceMemory sequences;
    private final long stateBytes;
    private final int capacity;
    private final long chunkBytes;
    private int reservedChunks;

    /// @param capacity tokens that the session can hold
    /// @param device where states are kept
    public KvCache(ModelSpec spec, KvType type, int capacity, Device device) {
        this.capacity = capacity;
        chunkBytes = bytesPerPosition(spec, type) * KvLayer.CHUNK_POSITIONS;
        arena = device.newArena();
        layers = spec.blocks(KeyValueSpec.class)
                .map(attention -> new KvLayer(arena, type, capacity, attention.numKeyValueHeads(), attention.headDim()))
                .toList();
        latents = spec.blocks(LatentAttentionSpec.class)
                .map(LatentAttentionSpec::shape)
                .map(shape -> new LatentLayer(arena, type, capacity, shape.latentDim(), shape.ropeDim()))
                .toList();
        indexes = spec.indexers()
                .map(indexer ->
                        new IndexLayer(arena, type, capacity, indexer.shape().dim()))
                .toList();
        states = new RecurrentStates(spec, device, arena);
        sequences = new SequenceMemory(spec, capacity, device, arena);
        stateBytes = RecurrentStates.bytes(spec);
    }

    /// Returns the bytes that `positions` tokens take, and the states.
    public static long bytes(ModelSpec spec, KvType type, int positions) {
        return RecurrentStates.bytes(spec)
                + SequenceMemory.bytes(spec, positions)
                + bytesPerPosition(spec, type) * positions;
    }

    /// Returns the bytes that are allocated for `positions` tokens, whole chunks, and the states.
    public static long allocatedBytes(ModelSpec spec, KvType type, int positions) {
        return bytes(spec, type, chunks(positions) * KvLayer.CHUNK_POSITIONS);
    }

    /// Returns the bytes that were allocated so far.
    public long allocatedBytes() {
        return stateBytes
                + sequences.allocatedBytes()
                + layers.stream().mapToLong(KvLayer::allocatedBytes).sum()
                + latents.stream().mapToLong(LatentLayer::allocatedBytes).sum()
                + indexes.stream().mapToLong(IndexLayer::allocatedBytes).sum();
    }

    /// Returns the bytes that will be allocated when the first `positions` are stored.
    public long growthBytes(int positions) {
        return (long) Math.max(0, chunks(positions) - reservedChunks) * chunkBytes;
    }

    /// Returns how many tokens fit.
    public int capacity() {
        return capacity;
    }

    /// Returns the keys and values of the `number`-th block that has any.
    public KvLayer layer(int number) {
        return layers.get(number);
    }

    /// Returns the latents of the `number`-th block that has any.
    public LatentLayer latents(int number) {
        return latents.get(number);
    }

    /// Returns the keys of the `number`-th indexer.
    public IndexLayer index(int number) {
        return indexes.get(number);
    }

    /// Returns the parts of the state of the `number`-th recurrent block.
    public DeviceBuffer[] state(int number) {
        return states.of(number);
    }

    /// Says whether an encoder has read its input.
    public boolean hasInput() {
        return sequences.inputLength() > 0;
    }

    /// Forgets what an encoder has read.
    public void forgetInput() {
        sequences.beginInput(0);
    }

    /// Returns what the blocks of an encoder-decoder model remember.
    public SequenceMemory sequences() {
        return sequences;
    }

    /// Keeps the states as they are now, to go back to.
    ///
    /// @param place [#PROMPT] or [#BATCH], whose last states are given up
    public void mark(int place) {
        states.mark(place);
    }

    /// Goes back so far that token `position` may come next, and returns from which on those before have to be computed
    /// again first: from `position` itself if no block is recurrent.
    public int resume(int position) {
        return states.resume(position);
    }

    /// Begins a pass over `n` tokens from position `first` on; if it does not come to its end, the states are
    /// lost.
    public void begin(int first, int n) {
        states.begin(first);
        reserve(first + n);
    }

    /// Ends the pass; the cache now holds `tokens` tokens.
    public void finish(int tokens) {
        states.finish(tokens);
    }

    /// Allocates the memory of the first `positions` positions.
    public void reserve(int positions) {
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).reserve(positions);
        }
        for (int i = 0; i < latents.size(); i++) {
            latents.get(i).reserve(positions);
        }
        for (int i = 0; i < indexes.size(); i++) {
            indexes.get(i).reserve(positions);
        }
        reservedChunks = Math.max(reservedChunks, chunks(positions));
    }

    @Override
    public void close() {
        arena.close();
    }

    private static int chunks(int positions) {
        return Math.ceilDiv(positions, KvLayer.CHUNK_POSITIONS);
    }

    private static long bytesPerPosition(ModelSpec spec, KvType type) {
        long ofKeysAndValues = spec.blocks(KeyValueSpec.class)
                .mapToLong(attention -> bytesPerPosition(type, attention))
                .sum();
        long ofLatents = spec.blocks(LatentAttentionSpec.class)
                .mapToLong(attention -> bytesPerPosition(type, attention.shape()))
                .sum();
        long ofIndexers = spec.indexers()
                .mapToLong(indexer ->
                        IndexLayer.bytesPerPosition(type, indexer.shape().dim()))
                .sum();
        return ofKeysAndValues + ofLatents + ofIndexers;
    }

    private static long bytesPerPosition(KvType type, KeyValueSpec attention) {
        return KvLayer.bytesPerPosition(type, attention.numKeyValueHeads(), attention.headDim());
    }

    private static long bytesPerPosition(KvType type, LatentShape shape) {
        return LatentLayer.bytesPerPosition(type, shape.latentDim(), shape.ropeDim());
    }
}
