/// How often guesses of the experts that layers to come will choose are right.
@NullMarked
package io.moetier.runtime.lookahead;

import org.jspecify.annotations.NullMarked;
