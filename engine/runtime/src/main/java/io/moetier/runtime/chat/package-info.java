/// Prompts and answers over a loaded model, alone or in a conversation.
@NullMarked
package io.moetier.runtime.chat;

import org.jspecify.annotations.NullMarked;
