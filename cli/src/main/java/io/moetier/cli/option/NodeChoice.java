package io.moetier.cli.option;

/// Who decides whether the nodes of a cluster compute.
public enum NodeChoice {
    /// What a token is predicted to take.
    AUTO,

    /// Whoever names the cluster: they do.
    ALWAYS
}
