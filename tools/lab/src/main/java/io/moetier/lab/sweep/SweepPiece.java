package io.moetier.lab.sweep;

/// A task of a sweep, and where its outcomes belong.
///
/// @param trace index of the trace
/// @param at index of the first outcome among those of the trace
/// @param work how much there is to do, beside other pieces
record SweepPiece(int trace, int at, SweepTask task, double work) {}
