package io.moetier.engine.device.cpu;

/// Which arithmetic the CPU uses.
public enum KernelChoice {
    /// The Vector API if the JVM has it and compiles it to vector instructions, else plain loops.
    AUTO,
    /// The Vector API, or an error.
    VECTOR,
    /// Plain loops: slow, and the reference for everything else.
    PLAIN
}
