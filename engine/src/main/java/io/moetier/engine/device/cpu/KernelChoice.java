package io.moetier.engine.device.cpu;

/// Which arithmetic the CPU uses.
public enum KernelChoice {
    /// The Vector API if the JVM was started with it, else plain loops.
    AUTO,
    /// The Vector API, or an error.
    VECTOR,
    /// Plain loops: slow, and the reference for everything else.
    PLAIN
}
