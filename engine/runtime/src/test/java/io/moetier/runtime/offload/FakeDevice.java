package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.ProductSizes;
import io.moetier.kernels.tensor.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;

/// A device with memory of its own whose kernels run as late as they may: when somebody waits for them.
final class FakeDevice implements Device {
    private static final int PAGE_BYTES = 4096;

    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private long numCalled;
    private long numDone;
    final AtomicInteger numOpen = new AtomicInteger(); // arenas, streams and events
    private volatile int callsToFailure = -1;
    /// Whether a failed copy cannot be waited for either.
    volatile boolean dies;
    /// Whether streams wait for events, as they should.
    volatile boolean awaitsEvents = true;
    /// Whether events cannot be recorded.
    volatile boolean recordsNothing;

    /// What a call throws that fails.
    static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /// Calls a kernel.
    synchronized void call(Runnable kernel) {
        waiting.add(kernel);
        numCalled++;
    }

    private synchronized void runUntil(long number) {
        while (numDone < number) {
            waiting.removeFirst().run();
            numDone++;
        }
    }

    /// Runs all kernels.
    synchronized void finish() {
        runUntil(numCalled);
    }

    private synchronized long numCalled() {
        return numCalled;
    }

    /// Has call number `call` from now on fail, of those that allocate or copy; none if it is negative. Calls that have
    /// failed may not have returned yet.
    synchronized void failAt(int call) {
        callsToFailure = call;
    }

    private synchronized void count() {
        if (callsToFailure > 0 && --callsToFailure == 0) {
            throw new Failure();
        }
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // closed by the arena around it
    public Arena newArena() {
        numOpen.incrementAndGet();
        Arena arena = Arena.ofShared();
        return new Arena() {
            @Override
            public MemorySegment allocate(long byteSize, long byteAlignment) {
                count();
                return arena.allocate(byteSize, byteAlignment);
            }

            @Override
            public MemorySegment.Scope scope() {
                return arena.scope();
            }

            @Override
            public void close() {
                finish();
                arena.close();
                numOpen.decrementAndGet();
            }
        };
    }

    @Override
    public boolean readsMainMemory() {
        return false;
    }

    @Override
    public MemorySegment allocateSlab(long byteSize, Arena arena) {
        return arena.allocate(byteSize, PAGE_BYTES);
    }

    @Override
    public MemorySegment allocatePinned(long byteSize, Arena arena) {
        count();
        return arena.allocate(byteSize, PAGE_BYTES);
    }

    @Override
    public DeviceStream newStream() {
        count();
        numOpen.incrementAndGet();
        return new DeviceStream() {
            @Override
            public void copy(MemorySegment from, MemorySegment to) {
                count();
                MemorySegment.copy(from, 0, to, 0, to.byteSize());
            }

            @Override
            public void await(DeviceEvent event) {
                if (awaitsEvents) {
                    event.synchronize();
                }
            }

            @Override
            public void synchronize() {
                if (dies && callsToFailure == 0) {
                    throw new Failure();
                }
            }

            @Override
            public void close() {
                numOpen.decrementAndGet();
            }
        };
    }

    @Override
    public DeviceEvent newEvent() {
        count();
        numOpen.incrementAndGet();
        return new DeviceEvent() {
            private volatile long after;

            @Override
            public void record() {
                if (recordsNothing) {
                    throw new Failure();
                }
                after = numCalled();
            }

            @Override
            public void synchronize() {
                runUntil(after);
            }

            @Override
            public void close() {
                numOpen.decrementAndGet();
            }
        };
    }

    @Override
    public String description() {
        return "a device for tests";
    }

    @Override
    public DeviceBuffer allocate(int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public DeviceBuffer allocate(int length, Arena arena) {
        throw new UnsupportedOperationException();
    }

    @Override
    public WeightMatrix hold(WeightMatrix matrix, Arena arena) {
        throw new UnsupportedOperationException();
    }

    @Override
    public MemorySegment hold(MemorySegment bytes, Arena arena) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long availableBytes() {
        return 1 << 30;
    }

    @Override
    public void upload(float[] src, int from, int n, DeviceBuffer dst, int at) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void download(DeviceBuffer src, int from, int n, float[] dst, int at) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long workingBytes() {
        return 0;
    }

    @Override
    public long workingBytes(ProductSizes largest) {
        return 0;
    }

    @Override
    public Kernels kernels() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
