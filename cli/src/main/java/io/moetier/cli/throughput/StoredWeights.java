package io.moetier.cli.throughput;

import io.moetier.kernels.tensor.MatrixShape;
import io.moetier.lab.throughput.ModelWork;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.ExpertId;
import java.util.HashMap;
import java.util.Map;

/// The bytes of weights as a store has them, matrix by matrix.
///
/// @param matrices outside the experts, by name
/// @param experts the smallest of each layer
record StoredWeights(Map<String, Long> matrices, Map<Integer, Long> experts) implements ModelWork.Weights {
    static StoredWeights of(ExpertStore store) {
        Map<String, Long> matrices = new HashMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(store.denseFile())) {
            file.metadata()
                    .forEach((name, written) ->
                            MatrixShape.parse(written).ifPresent(shape -> matrices.put(name, shape.packedBytes())));
        }
        Map<Integer, Long> experts = new HashMap<>();
        for (ExpertId id : store.experts()) {
            long bytes = store.layout(ExpertId.pack(id.layer(), id.expert())).parts().stream()
                    .mapToLong(BlockPart::byteLength)
                    .sum();
            experts.merge(id.layer(), bytes, Math::min);
        }
        return new StoredWeights(matrices, experts);
    }

    @Override
    public long bytes(LinearSpec linear) {
        return matrices.getOrDefault(linear.weight(), 0L);
    }

    @Override
    public long expertBytes(int layer) {
        return experts.getOrDefault(layer, 0L);
    }
}
