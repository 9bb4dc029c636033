package io.moetier.runtime.remote;

import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.NodeWork;
import io.moetier.storage.model.ExpertId;
import java.util.List;
import java.util.Optional;

/// The experts that other machines compute, as the layers of an engine see them.
///
/// A layer asks [#takes] of every expert that it has chosen, sends the rows of those that are taken, computes the
/// others and receives the results: one [#receive] for each [#send], at once if the layer failed in between. What does
/// not come back is computed here. Confined to the thread that computes, but for [#takes].
public interface ExpertNodes extends AutoCloseable {
    /// Says whether another machine computes an expert of a layer now; if it no longer does when it is asked, the
    /// expert will be missing from what is received.
    boolean takes(int layer, int expert);

    /// Sends the rows of experts to whoever computes them; what cannot be sent will be missing. They are the
    /// same object every time, and stay as they are until what they ask for was received.
    void send(NodeRows rows);

    /// Waits for the results, and writes them to `results`, `[rows.numRows(), rows.size()]`: those of expert `i` from
    /// row `rows.from(i)` on. No node that is lost, slow or wrong makes this fail: its experts are missing.
    ///
    /// @param rows what was sent
    /// @param missing `[rows.numExperts()]`, receives whether nobody has computed expert `i`
    /// @return how many are missing
    int receive(NodeRows rows, float[] results, boolean[] missing);

    /// Tells of the requests whose results were received last, if there is anything to tell.
    default void tell(ActivityListener listener) {}

    /// Is told of the routing of a step, the experts of all machines among it, so that owners can follow what is used.
    ///
    /// @param tokens of the step
    /// @param experts `[n]`, of `layer`, distinct
    /// @param uses `[n]`, how many of the tokens have chosen each
    default void onDecision(int layer, int tokens, int[] experts, int[] uses, int n) {}

    /// Returns what each node has done so far, those that have left among them, each name once. Any thread may ask.
    default List<NodeWork> work() {
        return List.of();
    }

    /// Returns what was decided last of whether nodes compute, if somebody decides that. Any thread may ask.
    default Optional<NodesVerdict> verdict() {
        return Optional.empty();
    }

    @Override
    void close();

    /// Returns whether an expert is taken, by its packed id.
    default boolean takes(int id) {
        return takes(ExpertId.layerOf(id), ExpertId.expertOf(id));
    }
}
