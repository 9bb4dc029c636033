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

/// OLMoE (Muennighoff et al. 2024): queries and keys normalised over the whole projection, optionally clipped.
final class Olmoe {
    private static final Flag BIAS = Flag.of("attention_bias", false);
    static final Family FAMILY = new Family(
            "olmoe",
            new Defaults(1e-5, 1e4, 0, 0),
            new AttentionRule(BIAS, BIAS, QkNorm.WHOLE_PROJECTION, Window.NEVER),
            new MoeRule(
                    "mlp.gate",
                    "mlp.experts.{expert}",
                    Projections.HUGGING_FACE,
                    "intermediate_size",
                    Flag.of("norm_topk_prob", false),
                    Optional.empty()),
            DenseRule.NONE,
            new GgufRule("olmoe", false, false));

    private Olmoe() {}
}
