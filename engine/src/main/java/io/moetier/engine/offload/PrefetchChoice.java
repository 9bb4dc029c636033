package io.moetier.engine.offload;

/// Whether experts are loaded before a layer asks for them.
public enum PrefetchChoice {
    OFF,
    /// As [#ON] until it has been measured what it does to the time of a token, then on or off.
    AUTO,
    ON
}
