package io.moetier.emulator.ptx.decode;

/// A parameter of a kernel.
///
/// @param offset of its first byte in the kernel's parameters
/// @param bytes its size, of an array the whole array's
public record PtxParameter(String name, int offset, int bytes) {}
