package io.moetier.runtime.metrics;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// An expert left its slot for another one.
@Name("moetier.ExpertEviction")
@Label("Expert Eviction")
@Category("Moetier")
@StackTrace(false)
final class ExpertEvictionEvent extends Event {
    @Label("Layer")
    final int layer;

    @Label("Expert")
    final int expert;

    ExpertEvictionEvent(int layer, int expert) {
        this.layer = layer;
        this.expert = expert;
    }
}
