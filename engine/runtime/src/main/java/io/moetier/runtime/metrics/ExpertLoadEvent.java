package io.moetier.runtime.metrics;

import io.moetier.storage.model.Tier;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/// An expert was not in the fastest tier and has arrived there.
@Name("moetier.ExpertLoad")
@Label("Expert Load")
@Category("Moetier")
@StackTrace(false)
final class ExpertLoadEvent extends Event {
    @Label("Layer")
    final int layer;

    @Label("Expert")
    final int expert;

    @Label("Tier It Came From")
    final String tier;

    @Label("Bytes")
    @DataAmount
    final long bytes;

    @Label("Load Time")
    @Timespan
    final long loadNanos;

    @Label("Time the Computation Waited")
    @Timespan
    final long waitNanos;

    ExpertLoadEvent(int layer, int expert, Tier tier, long bytes, long loadNanos, long waitNanos) {
        this.layer = layer;
        this.expert = expert;
        this.tier = tier.label();
        this.bytes = bytes;
        this.loadNanos = loadNanos;
        this.waitNanos = waitNanos;
    }
}
