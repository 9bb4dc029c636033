package io.moetier.runtime.remote;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.offload.Loaders;
import io.moetier.storage.cache.Policies;

/// A node of this process that has every other expert, and copies nothing.
public final class DirectNode implements ExpertNodes {
    private final Device device = CpuDevice.open(1, KernelChoice.AUTO);
    private final ExpertShare share;

    public DirectNode(Driven engine) {
        SharedExperts shared = StoreExperts.of(engine.store(), engine.spec());
        share = ExpertShare.open(
                shared, device, Long.MAX_VALUE / 4, Policies.byRoom(), Loaders.THREADS, new Counters());
    }

    @Override
    public boolean takes(int layer, int expert) {
        return expert % 2 == 0;
    }

    @Override
    public void send(NodeRows rows) {
        // they stay as they are until they are asked for
    }

    @Override
    public int receive(NodeRows rows, float[] results, boolean[] missing) {
        int _ = share.compute(rows, results);
        return 0;
    }

    @Override
    public void close() {
        share.close();
        device.close();
    }
}
