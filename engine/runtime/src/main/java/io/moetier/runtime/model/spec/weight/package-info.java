/// Matrices, vectors, norms and convolutions of a model, as records: their names, shapes and places in a checkpoint.
@NullMarked
package io.moetier.runtime.model.spec.weight;

import org.jspecify.annotations.NullMarked;
