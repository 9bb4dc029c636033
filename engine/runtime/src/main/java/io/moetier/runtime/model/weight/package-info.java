/// Weights of a model as blocks use them: linear maps, norms, convolutions.
@NullMarked
package io.moetier.runtime.model.weight;

import org.jspecify.annotations.NullMarked;
