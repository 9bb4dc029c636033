/// What families are described with: checked reading of `config.json`, and the ways in which checkpoints name and
/// shape the blocks of a model.
@NullMarked
package io.moetier.runtime.model.describe;

import org.jspecify.annotations.NullMarked;
