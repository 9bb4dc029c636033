package io.moetier.cluster.drive;

import io.moetier.runtime.remote.NodesVerdict;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Whether nodes compute, as it is decided whenever some come or go; without a judge they do.
///
/// What is counted of experts' uses meanwhile changes nothing: who waits for a text does not wait for second thoughts.
/// Confined to one thread at a time, but for what any may ask.
final class Judging {
    private final Optional<Judge> judge;
    private final Consumer<String> says;
    private List<NodePort> judged = List.of();
    private volatile Optional<NodesVerdict> latest = Optional.empty();

    /// @param says is told why
    Judging(Optional<Judge> judge, Consumer<String> says) {
        this.judge = judge;
        this.says = says;
    }

    /// Says whether nodes compute what would be placed on them.
    ///
    /// @param ports to all of them
    boolean nodesCompute(List<NodePort> ports, Supplier<Judge.Proposal> proposal) {
        if (judge.isPresent() && !ports.isEmpty() && !ports.equals(judged)) {
            NodesVerdict verdict = judge.get().judge(proposal.get());
            judged = List.copyOf(ports);
            latest = Optional.of(verdict);
            says.accept(verdict.sentence());
        }
        return ports.isEmpty() || latest.map(NodesVerdict::nodesCompute).orElse(true);
    }

    /// Returns what was decided last, if anything was. Any thread may ask.
    Optional<NodesVerdict> latest() {
        return latest;
    }
}
