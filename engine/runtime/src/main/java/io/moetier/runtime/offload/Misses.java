package io.moetier.runtime.offload;

/// What becomes of the experts that a layer needs and a device with memory of its own does not hold.
public enum Misses {
    /// They are copied to the device, which computes them: the same bits for every budget.
    COPY,

    /// The processor computes them where they lie, beside the device; which of them are copied for later is up to the
    /// policy.
    CPU,

    /// Some are copied and the others computed by the processor, so that both end as soon as possible.
    AUTO
}
