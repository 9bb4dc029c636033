package io.moetier.runtime.convert;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.model.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// How large the experts of a model will be in a store.
///
/// @param sizeClasses how many experts of which size there are
/// @param slotBytesOfLayer the bytes of one expert's slot, by MoE layer
public record ExpertSizes(List<SizeClassCount> sizeClasses, List<Long> slotBytesOfLayer) {
    /// Reads them off the headers of a model, for a store that keeps their values.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public static ExpertSizes of(ModelSource source) {
        return of(source, Rounding.KEEP);
    }

    /// Reads them off the headers of a model, for a store whose experts are rounded.
    ///
    /// @throws IllegalArgumentException if a matrix would not become smaller
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public static ExpertSizes of(ModelSource source, Rounding rounding) {
        Map<Long, Integer> countOfSize = new TreeMap<>();
        List<Long> slotBytesOfLayer = new ArrayList<>();
        for (MoeSpec moe : source.spec().moeLayers()) {
            for (DenseSpec expert : moe.experts()) {
                countOfSize.merge(slotBytes(source, expert, rounding), 1, Integer::sum);
            }
            slotBytesOfLayer.add(slotBytes(source, moe.experts().getFirst(), rounding));
        }
        List<SizeClassCount> sizeClasses = countOfSize.entrySet().stream()
                .map(entry -> new SizeClassCount(entry.getValue(), entry.getKey()))
                .toList();
        return new ExpertSizes(sizeClasses, slotBytesOfLayer);
    }

    private static long slotBytes(ModelSource source, DenseSpec expert, Rounding rounding) {
        long bytes = expert.linears().stream()
                .mapToLong(linear -> packedBytes(source, linear, rounding))
                .sum();
        return Math.ceilDiv(bytes, BlockLayout.PAGE_BYTES) * BlockLayout.PAGE_BYTES;
    }

    private static long packedBytes(ModelSource source, LinearSpec linear, Rounding rounding) {
        DType type = rounding.target(source.require(linear), linear.cols());
        long biasBytes =
                linear.bias().map(bias -> (long) bias.size() * Float.BYTES).orElse(0L);
        return WeightMatrix.packedBytes(type, linear.rows(), linear.cols())
                + Math.ceilDiv(biasBytes, BlockPart.ALIGNMENT) * BlockPart.ALIGNMENT;
    }
}
