/// Replays of traces through policies and budgets, spread over the machines of a cluster.
///
/// What crosses are traces as their files are, what is to be simulated, and counts: whole numbers alone. Everything
/// that is rounded is computed by who asked, from counts in the order in which one machine has them.
@NullMarked
package io.moetier.lab.sweep;

import org.jspecify.annotations.NullMarked;
