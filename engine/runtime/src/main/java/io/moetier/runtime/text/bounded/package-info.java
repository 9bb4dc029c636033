/// What keeps the tokenizer library within bounds: a `tokenizer.json` is checked before the library reads it, and a
/// text before the library cuts it into tokens, since what goes wrong in there ends the process.
///
/// Objects are immutable and may be used on many threads.
@NullMarked
package io.moetier.runtime.text.bounded;

import org.jspecify.annotations.NullMarked;
