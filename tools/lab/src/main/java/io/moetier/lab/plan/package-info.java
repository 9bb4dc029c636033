/// What a model would do on a machine before it is there: speeds with intervals, from headers, a machine's profile and
/// what is known of routing.
///
/// Single-threaded; owns no memory.
@NullMarked
package io.moetier.lab.plan;

import org.jspecify.annotations.NullMarked;
