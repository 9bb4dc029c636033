/// Guesses of the experts that layers to come will choose, and how often they are right.
@NullMarked
package io.moetier.runtime.lookahead;

import org.jspecify.annotations.NullMarked;
