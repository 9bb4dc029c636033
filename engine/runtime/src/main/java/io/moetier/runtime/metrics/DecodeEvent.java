package io.moetier.runtime.metrics;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// One forward pass that writes the next token. Public only so that callers can hold it between start and finish.
@Name("moetier.Decode")
@Label("Decode")
@Category("Moetier")
@StackTrace(false)
public final class DecodeEvent extends Event {
    @Label("Position")
    final int position;

    DecodeEvent(int position) {
        this.position = position;
    }
}
