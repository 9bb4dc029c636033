package io.moetier.cluster.copy;

/// Is told what comes of fetching blocks, by the threads that fetch. Must not block for long.
public interface FetchListener {
    /// Experts are on this disk from now on.
    ///
    /// @param ids packed
    void ready(int[] ids);

    /// Something keeps blocks from coming for now; one sentence.
    void problem(String sentence);
}
