package io.moetier.lab.simulate;

/// How a cache takes in what a layer needs. A hit rate means nothing without it.
public enum Admission {
    /// As the engine does it: all experts of a layer are looked up and those found are pinned, then the missing ones
    /// get slots, always, in ascending order. Tokens that went through a layer together count each expert once.
    LAYER,
    /// Expert after expert in the order of the trace, token after token: looked up and, if missing, let in where the
    /// policy thinks it worth the slot. What most published figures mean.
    SEQUENTIAL
}
