/// The blocks that layers are built of, with their weights: attention in all its forms, recurrences, networks that
/// every token visits.
@NullMarked
package io.moetier.runtime.model.block;

import org.jspecify.annotations.NullMarked;
