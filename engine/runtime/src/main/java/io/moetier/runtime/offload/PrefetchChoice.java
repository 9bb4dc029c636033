package io.moetier.runtime.offload;

/// Whether experts are loaded before a layer asks for them.
public enum PrefetchChoice {
    OFF,
    /// For prompts as [#ON]. For single tokens as [#OFF] where every expert has a slot; else on and off in turns until
    /// it
    /// has been measured what it does to their time, then on or off.
    AUTO,
    ON
}
