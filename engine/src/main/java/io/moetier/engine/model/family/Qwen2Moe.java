package io.moetier.engine.model.family;

import io.moetier.engine.model.family.Family.AttentionRule;
import io.moetier.engine.model.family.Family.Defaults;
import io.moetier.engine.model.family.Family.DenseRule;
import io.moetier.engine.model.family.Family.Flag;
import io.moetier.engine.model.family.Family.GgufRule;
import io.moetier.engine.model.family.Family.MoeRule;
import io.moetier.engine.model.family.Family.Projections;
import io.moetier.engine.model.family.Family.QkNorm;
import io.moetier.engine.model.family.Family.SharedRule;
import io.moetier.engine.model.family.Family.Window;
import java.util.Optional;

/// Qwen1.5-MoE and Qwen2-MoE (Qwen Team 2024): a gated shared expert beside the routed ones.
final class Qwen2Moe {
    static final Family FAMILY = new Family(
            "qwen2_moe",
            new Defaults(1e-6, 1e4, 16, 28),
            new AttentionRule(Flag.of("qkv_bias", true), Flag.OFF, QkNorm.NONE, Window.IF_USED_ALTERNATING),
            new MoeRule(
                    "mlp.gate",
                    "mlp.experts.{expert}",
                    Projections.HUGGING_FACE,
                    "moe_intermediate_size",
                    Flag.of("norm_topk_prob", false),
                    Optional.of(new SharedRule(
                            "mlp.shared_expert",
                            Projections.HUGGING_FACE,
                            "shared_expert_intermediate_size",
                            "mlp.shared_expert_gate"))),
            DenseRule.SPARSE_STEP,
            new GgufRule("qwen2moe", false, false));

    private Qwen2Moe() {}
}
