package io.moetier.kernels.device;

/// Who holds memory of a device that it can do without.
@FunctionalInterface
public interface MemoryRelief {
    /// Gives back `byteSize` bytes or a little more, or what can be spared if that is less; returns false if nothing
    /// can.
    ///
    /// It may close arenas of [Device#newArena()]. It must call nothing else of the device, which may be in the
    /// middle of an operation.
    boolean giveBack(long byteSize);
}
