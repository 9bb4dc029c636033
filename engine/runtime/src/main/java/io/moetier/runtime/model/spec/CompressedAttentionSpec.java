package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Attention to the last positions and to compressed entries that stand for several positions each (DeepSeek-AI 2026,
/// DeepSeek-V4). All heads share one row of a position, and of an entry, which is key and value; the last elements of
/// queries and rows are rotated by position, and those of the results back.
///
/// @param heads of queries; one of rows
/// @param window how many of the last positions a query sees
/// @param rope of positions
/// @param entries what else it sees; absent where that is nothing
public record CompressedAttentionSpec(
        Queries queries,
        Rows rows,
        Output output,
        HeadsSpec heads,
        int window,
        RopeSpec rope,
        Optional<Entries> entries)
        implements MixerSpec {
    /// @throws IllegalArgumentException if a number is out of range
    public CompressedAttentionSpec {
        Range.require("sliding window", window, 1, Integer.MAX_VALUE);
        Range.require("rotated elements of a head", rope.rotaryDim(), 1, heads.headDim());
    }

    /// What makes queries.
    ///
    /// @param down [rank, hiddenSize]: the latent of all heads
    /// @param norm of the latent
    /// @param up [numHeads * headDim, rank]
    /// @param perHead norm of each head
    /// @param sinks `[numHeads]`: logits that take part in each softmax without a key
    public record Queries(LinearSpec down, NormSpec norm, LinearSpec up, NormSpec perHead, VectorSpec sinks) {}

    /// What makes the row of a position.
    ///
    /// @param linear [headDim, hiddenSize]
    public record Rows(LinearSpec linear, NormSpec norm) {}

    /// What makes the output: neighbouring heads are a group with a matrix of its own, whose results come together.
    ///
    /// @param groups [rank, numHeads * headDim / groups] each
    /// @param linear [hiddenSize, groups * rank]
    public record Output(List<LinearSpec> groups, LinearSpec linear) {
        public Output {
            groups = List.copyOf(groups);
        }
    }

    /// The entries that a query sees.
    ///
    /// @param sparsity which of them it reads; absent where it reads all
    public record Entries(CompressorSpec compressor, Optional<SparsitySpec> sparsity) {}

    @Override
    public Optional<SparsitySpec> sparsity() {
        return entries.flatMap(Entries::sparsity);
    }

    /// Returns how many positions an entry stands for; 0 where there are none.
    public int rate() {
        return entries.map(seen -> seen.compressor().pooling().rate()).orElse(0);
    }

    @Override
    public List<RopeSpec> rotations() {
        List<RopeSpec> own = new ArrayList<>(List.of(rope, rope.back()));
        entries.ifPresent(seen -> own.add(seen.compressor().rope()));
        return SparsitySpec.rotations(own, sparsity());
    }

    @Override
    public List<LinearSpec> linears() {
        List<LinearSpec> linears = new ArrayList<>(List.of(queries.down, queries.up, rows.linear));
        entries.ifPresent(seen -> linears.addAll(seen.compressor().linears()));
        linears.addAll(output.groups);
        linears.add(output.linear);
        return SparsitySpec.linears(linears, sparsity());
    }

    @Override
    public List<VectorSpec> vectors() {
        List<VectorSpec> vectors = new ArrayList<>(queries.norm.vectors());
        vectors.addAll(queries.perHead.vectors());
        vectors.add(queries.sinks);
        vectors.addAll(rows.norm.vectors());
        entries.ifPresent(seen -> vectors.addAll(seen.compressor().vectors()));
        return SparsitySpec.vectors(vectors, sparsity());
    }

    /// The latent of the queries, the row, the queries, the heads' results and those of groups; then what a compressor
    /// has, and an indexer.
    @Override
    public List<Integer> intermediates() {
        List<Integer> own = List.of(
                queries.down.rows(), rows.linear.rows(), queries.up.rows(), queries.up.rows(), output.linear.cols());
        List<Integer> ofCompressor =
                entries.map(seen -> seen.compressor().intermediates()).orElse(List.of());
        return SparsitySpec.intermediates(
                Stream.concat(own.stream(), ofCompressor.stream()).toList(), sparsity());
    }

    /// What a compressor remembers of entries that have begun, and an indexer's.
    @Override
    public List<Integer> states() {
        return Stream.concat(
                        entries.stream().map(Entries::compressor),
                        sparsity().flatMap(SparsitySpec::indexer).map(IndexerSpec::keys).stream()
                                .filter(CompressorSpec.class::isInstance)
                                .map(CompressorSpec.class::cast))
                .map(compressor -> compressor.pooling().state())
                .toList();
    }
}
