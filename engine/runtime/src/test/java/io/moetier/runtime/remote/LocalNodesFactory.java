package io.moetier.runtime.remote;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Makes the [LocalNodes] of one engine.
public final class LocalNodesFactory implements ExpertNodesFactory {
    private final LocalNodes.Kind kind;
    private @Nullable LocalNodes opened;

    public LocalNodesFactory(LocalNodes.Kind kind) {
        this.kind = kind;
    }

    @Override
    public ExpertNodes open(Driven engine) {
        opened = new LocalNodes(kind, engine);
        return opened;
    }

    /// Returns what was opened last.
    public LocalNodes nodes() {
        return Objects.requireNonNull(opened);
    }
}
