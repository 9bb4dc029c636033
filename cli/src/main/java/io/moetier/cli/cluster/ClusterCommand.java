package io.moetier.cli.cluster;

import io.moetier.cli.terminal.Streams;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Several machines.
@Command(name = "cluster", description = "See who is in a cluster, plan with several machines, and have nodes leave.")
public final class ClusterCommand implements Runnable {
    private final Streams streams;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    CommandSpec spec;

    public ClusterCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public void run() {
        spec.commandLine().usage(streams.out());
    }
}
