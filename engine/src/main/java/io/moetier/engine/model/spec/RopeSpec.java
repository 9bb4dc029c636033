package io.moetier.engine.model.spec;

import io.moetier.engine.device.RopeTable;
import java.util.Optional;

/// Rotary position embedding (Su et al. 2021), half-split, over the whole head; stretched by YaRN where a checkpoint
/// says so.
public record RopeSpec(int headDim, double theta, Optional<RopeTable.Yarn> yarn) {}
