/// How evenly and how predictably a router chooses: statistics of a routing trace, in one pass over it.
///
/// Confined to one thread. Memory depends on layers and experts and not on the length of the trace.
@NullMarked
package io.moetier.lab.balance;

import org.jspecify.annotations.NullMarked;
