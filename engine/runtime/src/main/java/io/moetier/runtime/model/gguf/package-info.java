/// What GGUF files say of a model and where its weights lie in them, told as a checkpoint of its family would tell it.
@NullMarked
package io.moetier.runtime.model.gguf;

import org.jspecify.annotations.NullMarked;
