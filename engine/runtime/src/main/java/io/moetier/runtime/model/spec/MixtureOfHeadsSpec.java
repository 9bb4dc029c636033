package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;

/// A mixture of attention heads (Zhang et al. 2022, arXiv:2210.05144): a router chooses experts for each token, whose
/// queries look at keys and values that all experts share, and whose results are weighted and summed.
///
/// Query head `h` of every expert reads key and value head `h`.
///
/// @param heads of one expert, whose queries have a head of keys and values each
public record MixtureOfHeadsSpec(
        RouterSpec router, Experts experts, LinearSpec key, LinearSpec value, HeadsSpec heads, RopeSpec rope)
        implements KeyValueSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public MixtureOfHeadsSpec {
        Range.product("heads and their elements", heads.numKeyValueHeads(), heads.headDim(), Range.ROW);
    }

    /// What each expert has of its own.
    ///
    /// @param queries [numKeyValueHeads * headDim, hiddenSize] of each
    /// @param outputs [hiddenSize, numKeyValueHeads * headDim] of each
    /// @param bias added to the weighted sum
    public record Experts(List<LinearSpec> queries, List<LinearSpec> outputs, VectorSpec bias) {
        public Experts {
            queries = List.copyOf(queries);
            outputs = List.copyOf(outputs);
        }
    }

    @Override
    public int numKeyValueHeads() {
        return heads.numKeyValueHeads();
    }

    @Override
    public int headDim() {
        return heads.headDim();
    }

    @Override
    public int valueDim() {
        return heads.valueDim();
    }

    /// Returns how many experts a token is sent to.
    public int numExpertsPerToken() {
        return router.routing().numExpertsPerToken();
    }

    @Override
    public List<RopeSpec> rotations() {
        return List.of(rope);
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(router.linear()));
        linears.addAll(experts.queries());
        linears.add(key);
        linears.add(value);
        linears.addAll(experts.outputs());
        return linears;
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(router.vectors());
        vectors.add(experts.bias());
        return vectors;
    }

    /// Logits, queries, keys, values, the heads' results, and those of the experts.
    @Override
    public List<Integer> intermediates() {
        int perToken = numExpertsPerToken();
        int width = key.rows();
        int chosen = Range.product("heads of all chosen experts", perToken, width, Range.TOKEN);
        int results = Range.product(
                "results of all chosen experts", perToken, experts.bias().size(), Range.TOKEN);
        return List.of(experts.queries().size(), chosen, width, width, chosen, results);
    }
}
