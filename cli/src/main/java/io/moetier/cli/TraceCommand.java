package io.moetier.cli;

import picocli.CommandLine.Command;

/// Routing traces: which experts each token chose.
@Command(name = "trace", description = "Record which experts each token chose, and show what that says of the router.")
final class TraceCommand {}
