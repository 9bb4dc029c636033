/// What a model would do over several machines, in time: each token of a trace, or of imagined text, goes
/// through layers whose experts are computed where they live, over links that have a round trip and a
/// bandwidth.
///
/// Single-threaded; owns no memory.
@NullMarked
package io.moetier.lab.cluster;

import org.jspecify.annotations.NullMarked;
