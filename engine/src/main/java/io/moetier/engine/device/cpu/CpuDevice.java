package io.moetier.engine.device.cpu;

import io.moetier.engine.device.Device;
import io.moetier.engine.device.DeviceBuffer;
import io.moetier.engine.device.Kernels;
import java.util.Optional;

/// The processor. Buffers are Java arrays; work is shared by a fixed number of threads.
public final class CpuDevice implements Device {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String HINT = "start the JVM with --add-modules=" + VECTOR_MODULE;

    private final WorkerPool pool;
    private final CpuKernels kernels;
    private final String description;

    private CpuDevice(int threads, Arithmetic arithmetic, String remark) {
        this.pool = new WorkerPool(threads);
        this.kernels = new CpuKernels(pool, arithmetic);
        this.description =
                "CPU, " + arithmetic.description() + ", " + threads + (threads == 1 ? " thread" : " threads") + remark;
    }

    /// Starts a device.
    ///
    /// @param threads how many threads compute, the caller included; best is the number of physical cores
    /// @throws IllegalArgumentException if `choice` is [KernelChoice#VECTOR] and the JVM lacks the Vector API
    public static CpuDevice open(int threads, KernelChoice choice) {
        boolean present = vectorApiIsPresent();
        return switch (choice) {
            case PLAIN -> new CpuDevice(threads, new PlainArithmetic(), "");
            case VECTOR -> {
                if (!present) {
                    throw new IllegalArgumentException("the Vector API is not there: " + HINT);
                }
                yield new CpuDevice(threads, new VectorArithmetic(), "");
            }
            case AUTO -> automatic(threads, present);
        };
    }

    /// Says whether the Vector API is there and compiled to vector instructions.
    static boolean hasVectors() {
        // Asked only where the Vector API is: the class that answers needs it.
        return vectorApiIsPresent() && VectorSupport.ofProcess().objection().isEmpty();
    }

    private static CpuDevice automatic(int threads, boolean present) {
        // Asked only where the Vector API is: the class that answers needs it.
        Optional<String> objection = present ? VectorSupport.ofProcess().objection() : Optional.of(HINT);
        return objection.isEmpty()
                ? new CpuDevice(threads, new VectorArithmetic(), "")
                : new CpuDevice(threads, new PlainArithmetic(), " (slow: " + objection.get() + ")");
    }

    /// Asks for a class and not for the module: one that was loaded after the start is not in the boot layer.
    private static boolean vectorApiIsPresent() {
        try {
            Class.forName(VECTOR_MODULE + ".Vector", false, CpuDevice.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public DeviceBuffer allocate(int length) {
        return new HeapBuffer(length);
    }

    @Override
    public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
        System.arraycopy(src, from, HeapBuffer.floats(dst, (long) at + n), at, n);
    }

    @Override
    public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
        System.arraycopy(HeapBuffer.floats(src, (long) from + n), from, dst, at, n);
    }

    @Override
    public long workingBytes() {
        return kernels.workingBytes();
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public void close() {
        pool.close();
    }
}
