/// Mixtures of experts: the router and its choices, what is guessed of them ahead, and where experts are computed.
@NullMarked
package io.moetier.runtime.model.mixture;

import org.jspecify.annotations.NullMarked;
