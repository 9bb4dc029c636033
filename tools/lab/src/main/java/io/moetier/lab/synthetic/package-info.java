/// Models of a given shape and random weights, for measuring where no real model of that size is at hand.
///
/// Single-threaded; nothing holds more than a piece of one tensor in memory.
@NullMarked
package io.moetier.lab.synthetic;

import org.jspecify.annotations.NullMarked;
