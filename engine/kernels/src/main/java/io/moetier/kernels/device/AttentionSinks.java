package io.moetier.kernels.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// One more logit for each query head, which takes its share of the softmax and has no value, so that the weights of
/// the keys sum to less than 1 (gpt-oss, OpenAI 2025, arXiv:2508.10925; Xiao et al. 2023, arXiv:2309.17453).
public final class AttentionSinks {
    private final float[] logits;
    private final MemorySegment segment;

    /// @param logits one for each query head; not scaled
    public AttentionSinks(float[] logits) {
        this.logits = logits.clone();
        segment = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, logits);
    }

    /// Returns how many heads there are.
    public int numHeads() {
        return logits.length;
    }

    /// Returns the logit of a head.
    public float logit(int head) {
        return logits[head];
    }

    /// Returns all logits in memory outside the heap, which lives as long as this object.
    public MemorySegment segment() {
        return segment;
    }
}
