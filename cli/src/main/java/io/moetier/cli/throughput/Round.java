package io.moetier.cli.throughput;

import io.moetier.cli.throughput.StepWatch.Span;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Parts;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/// One point of the sweep, measured once.
///
/// @param steps nanoseconds of each
/// @param parts of a step, on average
/// @param queueNanos how long the computing thread that waited the most for a core did so, in all steps
/// @param readNanos of each expert, by packed id
/// @param lastStep its spans
@SuppressWarnings("ArrayRecordComponent") // rounds are never compared
record Round(
        Case of,
        long[] steps,
        Parts parts,
        RoutingTally tally,
        long queueNanos,
        Map<Integer, Long> readNanos,
        List<Span> lastStep) {
    double seconds() {
        return LongStream.of(steps).sum() / 1e9;
    }
}
