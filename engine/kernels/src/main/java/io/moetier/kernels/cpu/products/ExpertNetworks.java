package io.moetier.kernels.cpu;

import io.moetier.kernels.device.ExpertBatch;

/// How the feed-forward networks of experts are computed.
interface ExpertNetworks {
    /// As [io.moetier.kernels.device.Kernels#expertFfn].
    void run(ExpertBatch batch, float[] x, float[] out);

    /// Returns the bytes of what is kept from one call to the next.
    long byteSize();
}
