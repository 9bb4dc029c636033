/// Regular expressions as the tokenizer library reads them: what they match next to each other, and what they may cost.
///
/// Nothing is matched here; expressions are only weighed, before the library sees them. Objects are immutable.
@NullMarked
package io.moetier.runtime.text.regex;

import org.jspecify.annotations.NullMarked;
