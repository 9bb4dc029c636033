package io.moetier.engine.model.family;

import io.moetier.engine.model.family.Family.AttentionRule;
import io.moetier.engine.model.family.Family.Defaults;
import io.moetier.engine.model.family.Family.DenseRule;
import io.moetier.engine.model.family.Family.Flag;
import io.moetier.engine.model.family.Family.GgufRule;
import io.moetier.engine.model.family.Family.MoeRule;
import io.moetier.engine.model.family.Family.Projections;
import io.moetier.engine.model.family.Family.QkNorm;
import io.moetier.engine.model.family.Family.Window;
import java.util.Optional;

/// Mixtral of Experts (Jiang et al. 2024).
final class Mixtral {
    static final Family FAMILY = new Family(
            "mixtral",
            new Defaults(1e-5, 1e6, 8, 0),
            new AttentionRule(Flag.OFF, Flag.OFF, QkNorm.NONE, Window.ALWAYS),
            new MoeRule(
                    "block_sparse_moe.gate",
                    "block_sparse_moe.experts.{expert}",
                    new Projections("w1", "w3", "w2"),
                    "intermediate_size",
                    Flag.ON,
                    Optional.empty()),
            DenseRule.NONE,
            new GgufRule("llama", true, true));

    private Mixtral() {}
}
