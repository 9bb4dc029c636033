package io.moetier.cli.bench;

import java.util.Optional;
import java.util.OptionalLong;

/// How an engine fared in one run.
///
/// @param steps as far as it came
/// @param wallSeconds from its start to its end
/// @param readBytes that it had from disks, however it read them
/// @param peakBytes the most memory that it had, page cache included
/// @param remark what became of it if that is not all that it was to do; empty else
record RaceResult(
        String engine,
        Optional<Steps> steps,
        double wallSeconds,
        long readBytes,
        OptionalLong peakBytes,
        String remark) {}
