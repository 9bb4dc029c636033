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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What all layers together keep of each position, or of each entry that stands for several: keys and values,
/// latents, rows, index keys.
///
/// @param kind what it is
/// @param rate positions of an entry
/// @param bytes of one
record KeptRows(Kind kind, int rate, long bytes) {
    /// What is kept.
    enum Kind {
        KEYS_AND_VALUES("keys and values"),
        LATENTS("latents"),
        ROWS("compressed rows"),
        INDEX("index keys");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /// Returns the name for people.
        String words() {
            return words;
        }
    }

    private record Rate(Kind kind, int rate) {}

    /// Returns what a model keeps, by kind and rate.
    static List<KeptRows> of(ModelSpec spec, KvType type) {
        Map<Rate, Long> kept = new LinkedHashMap<>();
        spec.blocks(KeyValueSpec.class)
                .forEach(attention -> kept.merge(
                        new Rate(Kind.KEYS_AND_VALUES, 1),
                        KvLayer.bytesPerPosition(
                                type, attention.numKeyValueHeads(), attention.headDim(), attention.valueDim()),
                        Long::sum));
        spec.blocks(LatentAttentionSpec.class)
                .map(LatentAttentionSpec::shape)
                .forEach(shape -> kept.merge(new Rate(Kind.LATENTS, 1), bytes(type, shape), Long::sum));
        spec.blocks(CompressedAttentionSpec.class).forEach(attention -> {
            long ofRow = LatentLayer.bytesPerPosition(type, attention.heads().headDim(), 0);
            kept.merge(new Rate(Kind.ROWS, 1), ofRow, Long::sum);
            if (attention.rate() > 0) {
                kept.merge(new Rate(Kind.ROWS, attention.rate()), ofRow, Long::sum);
            }
        });
        spec.indexers()
                .map(IndexerSpec::shape)
                .forEach(shape -> kept.merge(
                        new Rate(Kind.INDEX, shape.blocks().rate()),
                        IndexLayer.bytesPerPosition(type, shape.dim()),
                        Long::sum));
        return kept.entrySet().stream()
                .map(entry -> new KeptRows(entry.getKey().kind(), entry.getKey().rate(), entry.getValue()))
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
