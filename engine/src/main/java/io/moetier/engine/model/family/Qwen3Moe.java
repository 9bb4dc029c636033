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

/// Qwen3-MoE (Qwen Team 2025): queries and keys normalised per head.
final class Qwen3Moe {
    private static final Flag BIAS = Flag.of("attention_bias", false);
    static final Family FAMILY = new Family(
            "qwen3_moe",
            new Defaults(1e-6, 1e4, 4, 0),
            new AttentionRule(BIAS, BIAS, QkNorm.PER_HEAD, Window.IF_USED),
            new MoeRule(
                    "mlp.gate",
                    "mlp.experts.{expert}",
                    Projections.HUGGING_FACE,
                    "moe_intermediate_size",
                    Flag.of("norm_topk_prob", false),
                    Optional.empty()),
            DenseRule.SPARSE_STEP,
            new GgufRule("qwen3moe", true, false));

    private Qwen3Moe() {}
}
