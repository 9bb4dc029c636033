package io.moetier.cli.hostile;

import java.io.IOException;

/// Runs inputs, each with bounds on its time and memory.
interface Runner extends AutoCloseable {
    /// Heap of the JVM that runs them.
    String HEAP = "-Xmx512m";

    /// Runs one input.
    ///
    /// @throws AssertionError if the process died or had to be ended
    Outcome run(HostileInput input) throws IOException, InterruptedException;

    @Override
    void close();
}
