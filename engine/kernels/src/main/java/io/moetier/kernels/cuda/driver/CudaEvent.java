package io.moetier.kernels.cuda.driver;

import java.nio.FloatBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;

/// A point in a stream that others can wait for.
public final class CudaEvent implements AutoCloseable {
    private long handle;

    private CudaEvent(long handle) {
        this.handle = handle;
    }

    static CudaEvent create(int flags) {
        return new CudaEvent(Checked.word(handle -> CU.cuEventCreate(handle, flags), "cuEventCreate"));
    }

    /// Puts the event behind all that a stream was given so far. Who waits for it from now on waits for that.
    public void record(CudaStream stream) {
        Checked.check(CU.cuEventRecord(handle(), stream.handle()), "cuEventRecord");
    }

    /// Returns whether its latest recording is reached; true before the first.
    public boolean isReached() {
        return Checked.isReady(CU.cuEventQuery(handle()), "cuEventQuery");
    }

    /// Waits until its latest recording is reached.
    public void synchronize() {
        Checked.check(CU.cuEventSynchronize(handle()), "cuEventSynchronize");
    }

    /// Returns the time between the recordings of two events that take times and are reached.
    public float millisSince(CudaEvent earlier) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            FloatBuffer millis = stack.mallocFloat(1);
            Checked.check(CU.cuEventElapsedTime(millis, earlier.handle(), handle()), "cuEventElapsedTime");
            return millis.get(0);
        }
    }

    @Override
    public void close() {
        if (handle != 0) {
            long last = handle;
            handle = 0;
            Checked.check(CU.cuEventDestroy(last), "cuEventDestroy");
        }
    }

    long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the event is closed");
        }
        return handle;
    }
}
