package io.moetier.runtime.model.weight;

import io.moetier.kernels.device.ExpertWeights;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.ExpertParts;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads a slot's bytes as the weights of an expert.
///
/// The views of a slot are made when the slot is first used, since slots outlive the experts in them and a decode step
/// must not allocate.
public final class ExpertViews {
    private final BlockLayout layout;
    private final FfnActivation activation;
    private final IdentityHashMap<MemorySegment, ExpertWeights> bySlot = new IdentityHashMap<>();

    public ExpertViews(BlockLayout layout, FfnActivation activation) {
        this.layout = layout;
        this.activation = activation;
    }

    /// Returns the expert that lies in a slot of this layout's size class.
    public ExpertWeights in(MemorySegment slot) {
        ExpertWeights known = bySlot.get(slot);
        if (known == null) {
            known = new ExpertWeights(
                    activation,
                    activation.isGated() ? matrix(slot, ExpertParts.GATE) : null,
                    matrix(slot, ExpertParts.UP),
                    matrix(slot, ExpertParts.DOWN),
                    bias(slot, ExpertParts.GATE),
                    bias(slot, ExpertParts.UP),
                    bias(slot, ExpertParts.DOWN));
            bySlot.put(slot, known);
        }
        return known;
    }

    private WeightMatrix matrix(MemorySegment slot, String name) {
        BlockPart part = layout.part(name);
        return new WeightMatrix(part.dtype(), part.rows(), part.cols(), slot.asSlice(part.offset(), part.byteLength()));
    }

    private @Nullable MemorySegment bias(MemorySegment slot, String name) {
        Optional<BlockPart> bias = layout.find(ExpertParts.biasOf(name));
        return bias.map(part -> slot.asSlice(part.offset(), (long) part.rows() * Float.BYTES))
                .orElse(null);
    }
}
