package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.cuda.driver.CudaMemory;
import io.moetier.kernels.device.MemoryRelief;

/// Allocates memory of one device; if there is none left, who can do without some is asked first.
final class CudaHeap {
    private MemoryRelief relief = byteSize -> false;
    private boolean relieving;

    void relieveWith(MemoryRelief whoCanSpare) {
        relief = whoCanSpare;
    }

    /// Says whether memory is being given back in the middle of an operation, of which nothing may be launched yet.
    boolean isRelieving() {
        return relieving;
    }

    /// @param purpose what it is for, which the exception names
    /// @throws CudaException if the device has no memory left that anybody can spare
    CudaMemory allocate(long byteSize, String purpose) {
        while (true) {
            try {
                return CudaMemory.allocate(byteSize, purpose);
            } catch (CudaException e) {
                if (!e.isOutOfMemory() || !relieve(byteSize)) {
                    throw e;
                }
            }
        }
    }

    private boolean relieve(long byteSize) {
        relieving = true;
        try {
            return relief.giveBack(byteSize);
        } finally {
            relieving = false;
        }
    }
}
