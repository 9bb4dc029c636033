package io.moetier.engine.device.cpu;

/// Which arithmetic the CPU uses.
public enum KernelChoice {
    /// The fastest that works here: native code, else the Vector API, else plain loops.
    AUTO,
    /// C code compiled for this kind of processor, or an error.
    NATIVE,
    /// The Vector API, or an error.
    VECTOR,
    /// Plain loops: slow, and the reference for everything else.
    PLAIN
}
