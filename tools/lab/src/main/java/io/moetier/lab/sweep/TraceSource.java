package io.moetier.lab.sweep;

import java.nio.file.Path;

/// Where the traces of a task are found on this machine.
@FunctionalInterface
interface TraceSource {
    Path file(TraceId trace);
}
