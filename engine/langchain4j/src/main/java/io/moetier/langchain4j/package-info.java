/// Models of Moetier for LangChain4j: [MoetierChatModel] and [MoetierStreamingChatModel].
///
/// Each has a chat of its own, with the memory of one conversation, and answers one request at a time; others wait for
/// their turn. What a request has in common with the one before at its beginning is not computed again.
@NullMarked
package io.moetier.langchain4j;

import org.jspecify.annotations.NullMarked;
