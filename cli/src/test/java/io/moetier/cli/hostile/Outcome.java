package io.moetier.cli.hostile;

import java.time.Duration;

/// How a command ended, and what it took of the processor.
record Outcome(int exitCode, String out, String err, Duration processorTime) {}
