/// What a session remembers of the tokens before: keys and values, latents, recurrent states.
@NullMarked
package io.moetier.runtime.model.memory;

import org.jspecify.annotations.NullMarked;
