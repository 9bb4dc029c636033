package io.moetier.kernels.cpu.products;

import io.moetier.kernels.device.ExpertBatch;

/// How the feed-forward networks of experts are computed.
public interface ExpertNetworks {
    /// As [io.moetier.kernels.device.Kernels#expertFfn].
    void run(ExpertBatch batch, float[] x, float[] out);

    /// Returns the bytes of what is kept from one call to the next.
    long byteSize();
}
