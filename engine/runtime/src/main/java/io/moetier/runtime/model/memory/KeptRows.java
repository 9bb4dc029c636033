package io.moetier.runtime.model.memory;

import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.LatentLayer;
import io.moetier.kernels.device.LatentShape;
import io.moetier.runtime.model.spec.CompressedAttentionSpec;
import io.moetier.runtime.model.spec.IndexerSpec;
import io.moetier.runtime.model.spec.KeyValueSpec;
import io.moetier.runtime.model.spec.LatentAttentionSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import java.util.List;
import java.util.TreeMap;

/// What all layers together keep of each position, or of each entry that stands for several: keys and values,
/// latents, rows, index keys.
///
/// @param rate positions of an entry
/// @param bytes of one
record KeptRows(int rate, long bytes) {
    /// Returns what a model keeps, by rate.
    static List<KeptRows> of(ModelSpec spec, KvType type) {
        TreeMap<Integer, Long> byRate = new TreeMap<>();
        spec.blocks(KeyValueSpec.class)
                .forEach(attention -> byRate.merge(
                        1,
                        KvLayer.bytesPerPosition(type, attention.numKeyValueHeads(), attention.headDim()),
                        Long::sum));
        spec.blocks(LatentAttentionSpec.class)
                .map(LatentAttentionSpec::shape)
                .forEach(shape -> byRate.merge(1, bytes(type, shape), Long::sum));
        spec.blocks(CompressedAttentionSpec.class).forEach(attention -> {
            long ofRow = LatentLayer.bytesPerPosition(type, attention.heads().headDim(), 0);
            byRate.merge(1, ofRow, Long::sum);
            if (attention.rate() > 0) {
                byRate.merge(attention.rate(), ofRow, Long::sum);
            }
        });
        spec.indexers()
                .map(IndexerSpec::shape)
                .forEach(shape ->
                        byRate.merge(shape.blocks().rate(), IndexLayer.bytesPerPosition(type, shape.dim()), Long::sum));
        return byRate.entrySet().stream()
                .map(entry -> new KeptRows(entry.getKey(), entry.getValue()))
                .toList();
    }

    private static long bytes(KvType type, LatentShape shape) {
        return LatentLayer.bytesPerPosition(type, shape.latentDim(), shape.ropeDim());
    }

    /// Returns the bytes of so many positions.
    long bytes(int positions) {
        return bytes * (positions / rate);
    }

    /// Returns the bytes that are allocated for so many positions: whole chunks.
    long allocatedBytes(int positions) {
        return bytes * KvLayer.CHUNK_POSITIONS * Math.ceilDiv(positions / rate, KvLayer.CHUNK_POSITIONS);
    }
}
