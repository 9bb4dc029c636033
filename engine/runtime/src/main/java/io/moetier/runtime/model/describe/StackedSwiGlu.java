package io.moetier.runtime.model.describe;

import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import java.util.List;

/// SwiGLU MLPs whose matrices of one kind are one tensor `[numExperts * width, hiddenSize]`: each expert has `width`
/// rows of it, in `down` too, which is therefore stored column by column.
public record StackedSwiGlu(String gate, String up, String down) implements ExpertStorage {
    @Override
    public DenseSpec expert(String prefix, int expert, int numExperts, int hiddenSize, int width) {
        List<Long> shape = List.of((long) numExperts * width, (long) hiddenSize);
        long offset = (long) expert * width * hiddenSize;
        String name = prefix + "experts." + expert;
        return DenseSpec.swiGlu(
                LinearSpec.of(name + ".gate", width, hiddenSize)
                        .at(TensorSlice.rows(prefix + gate, shape, offset, hiddenSize)),
                LinearSpec.of(name + ".up", width, hiddenSize)
                        .at(TensorSlice.rows(prefix + up, shape, offset, hiddenSize)),
                LinearSpec.of(name + ".down", hiddenSize, width)
                        .at(TensorSlice.transposed(prefix + down, shape, offset, hiddenSize)));
    }
}
