package io.moetier.runtime.model.memory;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.KeyValueSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What the mixers of one session remember: the keys and values, or latents, of every attention block, compressed
/// entries, and the keys of every indexer, whose memory comes as positions are stored, and the states of recurrences
/// and compressors, whose size is constant.
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
    private final List<LatentLayer> recent; // of compressed attention
    private final List<Optional<LatentLayer>> entries;
    private final int[] rates; // of the entries
    private final List<IndexLayer> indexes;
    private final int[] indexRates;
    private final RecurrentStates states;
    private final SequenceMemory sequences;
    private final long stateBytes;
    private final int capacity;
    private final List<KeptRows> kept;
    private int reservedPositions;

    /// @param capacity tokens that the session can hold
    /// @param device where states are kept
    public KvCache(ModelSpec spec, KvType type, int capacity, Device device) {
        this.capacity = capacity;
        kept = KeptRows.of(spec, type);
        arena = device.newArena();
        layers = spec.blocks(KeyValueSpec.class)
                .map(attention -> newLayer(attention, type))
                .toList();
        latents = spec.blocks(LatentAttentionSpec.class)
                .map(LatentAttentionSpec::shape)
                .map(shape -> new LatentLayer(arena, type, capacity, shape.latentDim(), shape.ropeDim()))
                .toList();
        List<CompressedAttentionSpec> compressed =
                spec.blocks(CompressedAttentionSpec.class).toList();
        recent = compressed.stream()
                .map(attention -> rows(attention, type, capacity))
                .toList();
        entries = compressed.stream()
                .map(attention -> Optional.of(attention.rate())
                        .filter(rate -> rate > 0)
                        .map(rate -> rows(attention, type, entries(capacity, rate))))
                .toList();
        rates = compressed.stream().mapToInt(CompressedAttentionSpec::rate).toArray();
        List<IndexShape> shapes = spec.indexers().map(IndexerSpec::shape).toList();
        indexes = shapes.stream()
                .map(shape -> new IndexLayer(
                        arena, type, entries(capacity, shape.blocks().rate()), shape.dim()))
                .toList();
        indexRates = shapes.stream().mapToInt(shape -> shape.blocks().rate()).toArray();
        try {
            states = new RecurrentStates(spec, device, arena);
            sequences = new SequenceMemory(spec, capacity, device, arena);
        } catch (RuntimeException | Error e) { // such as a device without room
            try (arena) {
                throw e;
            }
        }
        stateBytes = RecurrentStates.bytes(spec);
    }

    private KvLayer newLayer(KeyValueSpec attention, KvType type) {
        int heads = attention.numKeyValueHeads();
        return new KvLayer(arena, type, capacity, heads, attention.headDim(), attention.valueDim());
    }

    private LatentLayer rows(CompressedAttentionSpec attention, KvType type, int rows) {
        return new LatentLayer(arena, type, rows, attention.heads().headDim(), 0);
    }

    /// A cache has room for one at least.
    private static int entries(int positions, int rate) {
        return Math.max(1, positions / rate);
    }

    /// Returns the bytes that `positions` tokens take, and the states.
    public static long bytes(ModelSpec spec, KvType type, int positions) {
        return RecurrentStates.bytes(spec)
                + SequenceMemory.bytes(spec, positions)
                + KeptRows.of(spec, type).stream()
                        .mapToLong(rows -> rows.bytes(positions))
                        .sum();
    }

    /// Returns the bytes that are allocated for `positions` tokens, whole chunks, and the states.
    public static long allocatedBytes(ModelSpec spec, KvType type, int positions) {
        return RecurrentStates.bytes(spec)
                + SequenceMemory.bytes(spec, chunks(positions) * KvLayer.CHUNK_POSITIONS)
                + allocatedBytes(KeptRows.of(spec, type), positions);
    }

    /// Returns the bytes of an encoder's input of `length` tokens beyond those that
    /// [#allocatedBytes(ModelSpec, KvType, int)] of so many positions has.
    public static long inputBytesBeyond(ModelSpec spec, int positions, int length) {
        int more = Math.max(0, length - chunks(positions) * KvLayer.CHUNK_POSITIONS);
        return SequenceMemory.inputBytes(spec, more);
    }

    /// Returns what [#allocatedBytes(ModelSpec, KvType, int)] is made of, by the names of kinds.
    public static Map<String, Long> allocatedByKind(ModelSpec spec, KvType type, int positions) {
        Map<String, Long> bytes = new LinkedHashMap<>();
        for (KeptRows rows : KeptRows.of(spec, type)) {
            bytes.merge(rows.kind().words(), rows.allocatedBytes(positions), Long::sum);
        }
        bytes.put("sequences of encoders", SequenceMemory.bytes(spec, chunks(positions) * KvLayer.CHUNK_POSITIONS));
        bytes.put("recurrent states", RecurrentStates.bytes(spec));
        bytes.values().removeIf(each -> each == 0);
        return bytes;
    }

    private static long allocatedBytes(List<KeptRows> kept, int positions) {
        long bytes = 0;
        for (int i = 0; i < kept.size(); i++) {
            bytes += kept.get(i).allocatedBytes(positions);
        }
        return bytes;
    }

    /// Returns the bytes that were allocated so far.
    public long allocatedBytes() {
        return stateBytes
                + sequences.allocatedBytes()
                + layers.stream().mapToLong(KvLayer::allocatedBytes).sum()
                + latents.stream().mapToLong(LatentLayer::allocatedBytes).sum()
                + recent.stream().mapToLong(LatentLayer::allocatedBytes).sum()
                + entries.stream()
                        .flatMap(Optional::stream)
                        .mapToLong(LatentLayer::allocatedBytes)
                        .sum()
                + indexes.stream().mapToLong(IndexLayer::allocatedBytes).sum();
    }

    /// Returns the bytes that will be allocated when the first `positions` are stored.
    public long growthBytes(int positions) {
        return Math.max(0, allocatedBytes(kept, positions) - allocatedBytes(kept, reservedPositions));
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

    /// Returns the rows of positions of the `number`-th block of compressed attention.
    public LatentLayer recent(int number) {
        return recent.get(number);
    }

    /// Returns its entries.
    ///
    /// @throws java.util.NoSuchElementException if it has none
    public LatentLayer entries(int number) {
        return entries.get(number).orElseThrow();
    }

    /// Returns the keys of the `number`-th indexer.
    public IndexLayer index(int number) {
        return indexes.get(number);
    }

    /// Returns the parts of the state of the `number`-th block that has one.
    public DeviceBuffer[] state(int number) {
        return states.of(number);
    }

    /// Says whether an encoder has read its input.
    public boolean hasInput() {
        return sequences.inputLength() > 0;
    }

    /// Returns the bytes that will be allocated when an encoder reads `length` tokens.
    public long inputBytes(int length) {
        return sequences.inputBytes(length);
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
        for (int i = 0; i < recent.size(); i++) {
            recent.get(i).reserve(positions);
            if (rates[i] > 0) {
                entries.get(i).orElseThrow().reserve(positions / rates[i]);
            }
        }
        for (int i = 0; i < indexes.size(); i++) {
            indexes.get(i).reserve(positions / indexRates[i]);
        }
        reservedPositions = Math.max(reservedPositions, positions);
    }

    @Override
    public void close() {
        try (arena) {
            sequences.close();
        }
    }

    private static int chunks(int positions) {
        return Math.ceilDiv(positions, KvLayer.CHUNK_POSITIONS);
    }
}
