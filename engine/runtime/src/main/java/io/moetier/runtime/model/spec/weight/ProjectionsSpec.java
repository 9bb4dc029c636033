package io.moetier.runtime.model.spec.weight;

import java.util.List;

/// What makes queries, keys and values of the input, and the output of the heads' results.
public record ProjectionsSpec(LinearSpec query, LinearSpec key, LinearSpec value, LinearSpec output) {
    /// Returns those of the input: queries, keys, values.
    public List<LinearSpec> inputs() {
        return List.of(query, key, value);
    }
}
