package io.moetier.runtime.metrics;

import io.moetier.storage.model.Phase;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// One layer of one forward pass. Public only so that callers can hold it between start and finish.
@Name("moetier.LayerStep")
@Label("Layer Step")
@Category("Moetier")
@StackTrace(false)
public final class LayerStepEvent extends Event {
    @Label("Layer")
    final int layer;

    @Label("Phase")
    final String phase;

    @Label("Tokens")
    final int tokens;

    LayerStepEvent(int layer, Phase phase, int tokens) {
        this.layer = layer;
        this.phase = phase.label();
        this.tokens = tokens;
    }
}
