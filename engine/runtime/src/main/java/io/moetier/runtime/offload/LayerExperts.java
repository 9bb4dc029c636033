package io.moetier.runtime.offload;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The experts that one layer needs, by where they are computed: on one of the devices, or on the processor beside
/// them. The processor's are worked through before any device's are waited for; see [ExpertTiers].
public final class LayerExperts implements AutoCloseable {
    private final List<ExpertTier> tiers;
    private final @Nullable HostSequence host;

    LayerExperts(List<ExpertTier> tiers, @Nullable HostSequence host) {
        this.tiers = tiers;
        this.host = host;
    }

    /// Returns the experts that a device computes.
    public ExpertArrivals on(int device) {
        return tiers.get(device).sequence();
    }

    /// Returns the experts that the processor computes beside the devices; null if it never does.
    public @Nullable ExpertArrivals onHost() {
        return host;
    }

    /// Closes all of them, even if closing one fails; the processor's first.
    @Override
    public void close() {
        try {
            if (host != null) {
                host.close();
            }
        } finally {
            close(0);
        }
    }

    private void close(int device) {
        if (device < tiers.size()) {
            try (ExpertSequence _ = tiers.get(device).sequence()) {
                close(device + 1);
            }
        }
    }
}
