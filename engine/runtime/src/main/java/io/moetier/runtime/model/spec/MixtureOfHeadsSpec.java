package io.moetier.runtime.model.spec;

import java.util.ArrayList;
import java.util.List;

/// A mixture of attention heads (Zhang et al. 2022, arXiv:2210.05144): a router chooses experts for each token, whose
/// queries look at keys and values that all experts share, and whose results are weighted and summed.
///
/// Query head `h` of every expert reads key and value head `h`.
///
/// @param queries one per expert, [numKeyValueHeads * headDim, hiddenSize]
/// @param outputs one per expert, [hiddenSize, numKeyValueHeads * headDim]
/// @param bias added to the weighted sum
/// @param scale factor on query·key
public record MixtureOfHeadsSpec(
        RouterSpec router,
        List<LinearSpec> queries,
        LinearSpec key,
        LinearSpec value,
        List<LinearSpec> outputs,
        VectorSpec bias,
        int numKeyValueHeads,
        int headDim,
        float scale,
        RopeSpec rope)
        implements KeyValueSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public MixtureOfHeadsSpec {
        Range.product("heads and their elements", numKeyValueHeads, headDim, Range.ROW);
        Range.requireFinite("scale of attention", scale);
        queries = List.copyOf(queries);
        outputs = List.copyOf(outputs);
    }

    /// Returns how many experts a token is sent to.
    public int numExpertsPerToken() {
        return router.routing().numExpertsPerToken();
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(router.linear()));
        linears.addAll(queries);
        linears.add(key);
        linears.add(value);
        linears.addAll(outputs);
        return linears;
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(router.vectors());
        vectors.add(bias);
        return vectors;
    }

    /// Logits, queries, keys, values, the heads' results, and those of the experts.
    @Override
    public List<Integer> intermediates() {
        int perToken = numExpertsPerToken();
        int width = key.rows();
        int chosen = Range.product("heads of all chosen experts", perToken, width, Range.TOKEN);
        int results = Range.product("results of all chosen experts", perToken, bias.size(), Range.TOKEN);
        return List.of(queries.size(), chosen, width, width, chosen, results);
    }
}
