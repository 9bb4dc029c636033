package io.moetier.runtime.metrics;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// One forward pass over prompt tokens. Public only so that callers can hold it between start and finish.
@Name("moetier.Prefill")
@Label("Prefill")
@Category("Moetier")
@StackTrace(false)
public final class PrefillEvent extends Event {
    @Label("Tokens")
    final int tokens;

    PrefillEvent(int tokens) {
        this.tokens = tokens;
    }
}
