package io.moetier.runtime.remote;

/// Connects an engine with the nodes that compute experts for it.
@FunctionalInterface
public interface ExpertNodesFactory {
    /// Called once, when an engine has its model and device, and has loaded no expert yet; the engine closes what is
    /// returned.
    ///
    /// @throws io.moetier.runtime.option.InvalidOptionException or another exception with a sentence for people if
    ///     the engine cannot have nodes
    ExpertNodes open(Driven engine);
}
