package io.moetier.engine.device;

/// Something that computes: memory for activations and the [Kernels] that work on it.
///
/// Used by one thread at a time. A buffer of one device must not be given to another.
public interface Device extends AutoCloseable {
    /// Returns one line for a person: what computes, how wide, on how many threads, and why not better.
    String description();

    /// Returns a new buffer of `length` floats, all zero.
    DeviceBuffer allocate(int length);

    /// Copies `n` floats of `src` starting at `from` to `dst` starting at `at`.
    void upload(float[] src, int from, int n, DeviceBuffer dst, int at);

    /// Copies `n` floats of `src` starting at `from` to `dst` starting at `at`; returns when they have arrived.
    void download(DeviceBuffer src, int from, int n, float[] dst, int at);

    /// Returns the bytes that its operations keep for intermediate results, beside the buffers it has handed out.
    long workingBytes();

    /// Returns the operations of this device.
    Kernels kernels();

    /// Ends the device's threads and gives its memory back.
    @Override
    void close();
}
