/// Text to tokens and back: tokenizers and chat templates.
@NullMarked
package io.moetier.runtime.text;

import org.jspecify.annotations.NullMarked;
