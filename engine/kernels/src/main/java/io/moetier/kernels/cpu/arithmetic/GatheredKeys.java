package io.moetier.kernels.cpu.arithmetic;

import io.moetier.kernels.device.CompressedShape;
import io.moetier.kernels.device.KeyBlocks;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.LatentLayer;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/// The keys that a query of sparse attention reads, copied one behind another, so that the loops of attention find a
/// cache that holds nothing else. One thread's.
public final class GatheredKeys {
    private @Nullable KvLayer keys;
    private @Nullable LatentLayer latents;

    /// Returns the chosen keys and values of a head.
    ///
    /// @param blocks the numbers of the blocks, from `blocks[at]` on
    /// @param position of the query
    public KvLayer of(KvLayer cache, int head, float[] blocks, int at, KeyBlocks chosen, int position) {
        KvLayer to = roomLike(cache, chosen.most() * chosen.length());
        int count = chosen.chosen(position);
        int length = chosen.length();
        for (int i = 0; i < count; i++) {
            int first = block(blocks, at + i) * length;
            to.copy(cache, head, first, Math.min(length, position + 1 - first), i * length);
        }
        return to;
    }

    /// Returns the latents and rotated keys of the chosen positions.
    public LatentLayer of(LatentLayer cache, float[] blocks, int at, KeyBlocks chosen, int position) {
        LatentLayer to = roomLike(cache, chosen.most() * chosen.length());
        to.reserve(to.capacity());
        int count = chosen.chosen(position);
        int length = chosen.length();
        int next = 0;
        for (int i = 0; i < count; i++) {
            int first = block(blocks, at + i) * length;
            int keys = Math.min(length, position + 1 - first);
            to.copy(cache, first, keys, next);
            next += keys;
        }
        return to;
    }

    /// Returns the rows that a query of compressed attention reads: entries, and behind them the last positions.
    ///
    /// @param entries null where there are none
    /// @param blocks the numbers of the chosen entries, from `blocks[at]` on; not read without `chosen`
    public LatentLayer of(
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            float[] blocks,
            int at,
            @Nullable KeyBlocks chosen,
            int position) {
        int most = chosen == null ? entries == null ? 0 : entries.capacity() : chosen.most();
        int count = shape.read(position, chosen);
        int last = shape.recent(position);
        LatentLayer to = roomLike(recent, most + shape.window());
        to.reserve(count + last);
        if (entries != null && (chosen == null || chosen.readsAll(position))) {
            to.copy(entries, 0, count, 0);
        } else if (entries != null) {
            for (int i = 0; i < count; i++) {
                to.copy(entries, block(blocks, at + i), 1, i);
            }
        }
        to.copy(recent, position + 1 - last, last, count);
        return to;
    }

    private static int block(float[] blocks, int at) {
        return (int) blocks[at];
    }

    private KvLayer roomLike(KvLayer cache, int positions) {
        KvLayer known = keys;
        if (known == null
                || known.type() != cache.type()
                || known.headDim() != cache.headDim()
                || known.valueDim() != cache.valueDim()
                || known.capacity() < positions) {
            known = new KvLayer(Arena.ofAuto(), cache.type(), positions, 1, cache.headDim(), cache.valueDim());
            known.reserve(positions);
            keys = known;
        }
        return known;
    }

    private LatentLayer roomLike(LatentLayer cache, int positions) {
        LatentLayer known = latents;
        if (known == null
                || known.type() != cache.type()
                || known.latentDim() != cache.latentDim()
                || known.ropeDim() != cache.ropeDim()
                || known.capacity() < positions) {
            known = new LatentLayer(Arena.ofAuto(), cache.type(), positions, cache.latentDim(), cache.ropeDim());
            latents = known;
        }
        return known;
    }

    long byteSize() {
        return (keys == null ? 0 : keys.allocatedBytes()) + (latents == null ? 0 : latents.allocatedBytes());
    }
}
