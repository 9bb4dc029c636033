package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaMemory;
import io.moetier.kernels.device.AttentionSinks;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Vectors of a model that kernels read: uploaded when first used and known by their identity from then on. They must
/// not change.
final class VectorsHeld implements AutoCloseable {
    private final CudaHeap heap;
    private final Staging staging;
    private final IdentityHashMap<Object, CudaMemory> held = new IdentityHashMap<>();

    VectorsHeld(CudaHeap heap, Staging staging) {
        this.heap = heap;
        this.staging = staging;
    }

    /// Returns where a vector is on the device; 0 for none.
    long address(float @Nullable [] vector) {
        if (vector == null || vector.length == 0) {
            return 0;
        }
        CudaMemory memory = held.get(vector);
        if (memory == null) {
            memory = hold(
                    vector,
                    (long) vector.length * Float.BYTES,
                    "a vector of the model",
                    to -> staging.upload(vector, 0, vector.length, to));
        }
        return memory.address(0, 0);
    }

    /// Frees a vector that no kernel reads any more.
    void forget(float[] vector) {
        CudaMemory memory = held.remove(vector);
        if (memory != null) {
            memory.close();
        }
    }

    /// Returns where the logits of sinks are on the device; 0 for none.
    long address(@Nullable AttentionSinks sinks) {
        if (sinks == null) {
            return 0;
        }
        CudaMemory memory = held.get(sinks);
        if (memory == null) {
            MemorySegment logits = sinks.segment();
            memory = hold(sinks, logits.byteSize(), "attention sinks", to -> staging.upload(logits, to));
        }
        return memory.address(0, 0);
    }

    /// What cannot be copied is not held.
    private CudaMemory hold(Object vector, long byteSize, String purpose, LongConsumer upload) {
        CudaMemory memory = heap.allocate(byteSize, purpose);
        try {
            upload.accept(memory.address(0, byteSize));
        } catch (RuntimeException e) {
            try (memory) {
                throw e;
            }
        }
        held.put(vector, memory);
        return memory;
    }

    /// Returns the bytes of all vectors so far.
    long byteSize() {
        return held.values().stream().mapToLong(CudaMemory::byteSize).sum();
    }

    @Override
    public void close() {
        held.values().forEach(CudaMemory::close);
        held.clear();
    }
}
