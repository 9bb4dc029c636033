package io.moetier.emulator.driver.stream;

import io.moetier.emulator.driver.clock.EngineKind;

/// Something that an engine did, in virtual time.
///
/// @param device its ordinal
/// @param stream the stream's number within its context, 0 for the null stream
/// @param label a kernel's name, or what was copied
/// @param issuedNanos when the host called for it, since the driver was started or reset
/// @param startNanos likewise
public record TimelineEntry(
        int device,
        EngineKind engine,
        int stream,
        String label,
        double issuedNanos,
        double startNanos,
        double endNanos) {}
