package io.moetier.cli;

import picocli.CommandLine.Command;

/// Routing traces: which experts each token chose.
@Command(
        name = "trace",
        description =
                "Record which experts each token chose, show what that says of the router, and convert recordings of"
                        + " other programs.")
final class TraceCommand {}
