package io.moetier.engine.model;

import io.moetier.engine.model.spec.ExpertParts;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;

/// Reads a slot's bytes as the three matrices of an expert.
///
/// The views of a slot are made when the slot is first used, since slots outlive the experts in them and a decode step
/// must not allocate.
final class ExpertViews {
    private final BlockLayout layout;
    private final IdentityHashMap<MemorySegment, Expert> bySlot = new IdentityHashMap<>();

    ExpertViews(BlockLayout layout) {
        this.layout = layout;
    }

    /// Returns the expert that lies in a slot of this layout's size class.
    Expert in(MemorySegment slot) {
        Expert known = bySlot.get(slot);
        if (known == null) {
            known = new Expert(
                    matrix(slot, ExpertParts.GATE), matrix(slot, ExpertParts.UP), matrix(slot, ExpertParts.DOWN));
            bySlot.put(slot, known);
        }
        return known;
    }

    private WeightMatrix matrix(MemorySegment slot, String name) {
        BlockPart part = layout.part(name);
        return new WeightMatrix(part.dtype(), part.rows(), part.cols(), slot.asSlice(part.offset(), part.byteLength()));
    }

    /// The SwiGLU MLP of one expert.
    record Expert(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {}
}
