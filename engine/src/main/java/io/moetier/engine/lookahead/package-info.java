/// Guesses of the experts that layers to come will choose, and how often they are right.
@NullMarked
package io.moetier.engine.lookahead;

import org.jspecify.annotations.NullMarked;
