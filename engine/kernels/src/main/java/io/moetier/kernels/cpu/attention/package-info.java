/// What looks at other tokens: attention over caches and sequences, and the recurrences that take its place.
@NullMarked
package io.moetier.kernels.cpu.attention;

import org.jspecify.annotations.NullMarked;
