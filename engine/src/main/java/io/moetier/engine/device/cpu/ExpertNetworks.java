package io.moetier.engine.device.cpu;

import io.moetier.engine.device.ExpertBatch;

/// How the feed-forward networks of experts are computed.
interface ExpertNetworks {
    /// As [io.moetier.engine.device.Kernels#expertFfn].
    void run(ExpertBatch batch, float[] x, float[] out);

    /// Returns the bytes of what is kept from one call to the next.
    long byteSize();
}
