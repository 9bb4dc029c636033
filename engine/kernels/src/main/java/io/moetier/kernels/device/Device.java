package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/// Something that computes: memory for activations and the [Kernels] that work on it.
///
/// Used by one thread at a time. A buffer of one device must not be given to another.
public interface Device extends AutoCloseable {
    /// Returns one line for a person: what computes, how wide, on how many threads, and why not better.
    String description();

    /// Returns what its kernels are, on however many threads: where it is the same, so is their code.
    default String code() {
        return description();
    }

    /// Returns what it multiplies quantised weights by, where that can be chosen.
    default ActivationType activations() {
        return ActivationType.F32;
    }

    /// Gets ready to multiply by weights of these types, with what that takes in time and memory: else the first pass
    /// that needs it does. A device that reads main memory has nothing to get ready.
    default void prepare(Set<DType> types) {}

    /// Returns a new buffer of `length` floats, all zero.
    DeviceBuffer allocate(int length);

    /// Returns a new buffer of `length` floats, all zero, which lives as long as `arena`.
    ///
    /// @param arena of [#newArena()]
    DeviceBuffer allocate(int length, Arena arena);

    /// Opens memory for what kernels work on beside buffers: weights, slots of experts, keys and values.
    ///
    /// Unless [#readsMainMemory()], its segments are addresses of the device: only address and size of one mean
    /// anything, and a program that reads or writes it from Java crashes. Closing it waits for the kernels called
    /// so far; what is still open when the device closes goes with it, and may be closed after that.
    Arena newArena();

    /// Says whether kernels work on main memory, where Java may write what they are to read.
    boolean readsMainMemory();

    /// Returns a matrix that kernels can read: `matrix` itself if they read main memory, else a copy.
    ///
    /// @param matrix in main memory; where a copy is returned, it need not live longer than this call
    /// @param arena of [#newArena()], owns the copy
    WeightMatrix hold(WeightMatrix matrix, Arena arena);

    /// Returns bytes that kernels can read: `bytes` themselves if they read main memory, else a copy.
    ///
    /// @param bytes in main memory, be it of the heap; otherwise as [#hold(WeightMatrix, Arena)]
    MemorySegment hold(MemorySegment bytes, Arena arena);

    /// Allocates memory for slots of experts, aligned for any matrix; what it holds is undefined.
    ///
    /// @param arena of [#newArena()], owns the memory
    MemorySegment allocateSlab(long byteSize, Arena arena);

    /// Allocates main memory, on the border of a page, from which copies to the device are fastest.
    ///
    /// @param arena which any thread may close, before the device is closed
    MemorySegment allocatePinned(long byteSize, Arena arena);

    /// Registers `relief`, which is asked for memory before something fails for want of it, on the thread that uses the
    /// device. A device that reads main memory asks nobody.
    default void relieveWith(MemoryRelief relief) {}

    /// Returns how much memory can be had for [#newArena()] and buffers now.
    long availableBytes();

    /// Makes a stream of copies.
    DeviceStream newStream();

    /// Makes an event.
    DeviceEvent newEvent();

    /// Makes marks, to be closed before the device.
    default DeviceMarks newMarks() {
        return new HostMarks();
    }

    /// Copies `n` floats of `src` starting at `from` to `dst` starting at `at`.
    void upload(float[] src, int from, int n, DeviceBuffer dst, int at);

    /// Copies `n` floats of `src` starting at `from` to `dst` starting at `at`; returns when they have arrived.
    void download(DeviceBuffer src, int from, int n, float[] dst, int at);

    /// Returns the bytes that its operations keep for intermediate results, beside the buffers it has handed out.
    long workingBytes();

    /// Returns the bytes that products keep of these at most, which are there once the largest have been computed.
    long workingBytes(ProductSizes largest);

    /// Returns the operations of this device.
    Kernels kernels();

    /// Ends the device's threads and gives its memory back.
    @Override
    void close();
}
