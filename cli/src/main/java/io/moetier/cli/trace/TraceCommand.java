package io.moetier.cli.trace;

import io.moetier.cli.terminal.Streams;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Routing traces: which experts each token chose.
@Command(
        name = "trace",
        description =
                "Record which experts each token chose, show what that says of the router, and convert recordings of"
                        + " other programs.")
public final class TraceCommand implements Runnable {
    private final Streams streams;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    CommandSpec spec;

    public TraceCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public void run() {
        spec.commandLine().usage(streams.out());
    }
}
