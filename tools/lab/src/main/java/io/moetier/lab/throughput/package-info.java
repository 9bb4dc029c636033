/// What was measured of a model's speed, and what it means: warm-up, intervals, hardware bounds, and what differs
/// between two measurements. Numbers only: whoever measures hands them in.
@NullMarked
package io.moetier.lab.throughput;

import org.jspecify.annotations.NullMarked;
