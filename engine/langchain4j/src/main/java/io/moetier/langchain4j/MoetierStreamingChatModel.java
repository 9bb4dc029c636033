package io.moetier.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;

/// Answers chats piece by piece, in a thread of its own for each request, which calls the handler. Any thread may ask;
/// requests are answered one after the other.
///
/// What [MoetierChatModel] refuses is refused before the thread begins; what goes wrong later is told the handler. The
/// handle that comes with a piece ends the answer within a layer; nothing more is told then.
public final class MoetierStreamingChatModel implements StreamingChatModel, AutoCloseable {
    private final Turns turns;

    private MoetierStreamingChatModel(Turns turns) {
        this.turns = turns;
    }

    /// Begins to build one.
    public static MoetierBuilder<MoetierStreamingChatModel> builder() {
        return new MoetierBuilder<>(MoetierStreamingChatModel::new);
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        StreamedAnswer answer = new StreamedAnswer(turns, turns.question(request), handler);
        Thread.ofPlatform().daemon().name("moetier-chat").start(answer);
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return turns.defaults();
    }

    @Override
    public List<ChatModelListener> listeners() {
        return turns.listeners();
    }

    /// Ends the answer under way, if there is one, and frees the chat; closes the model too if the builder opened it.
    /// A handler may call: its answer then ends as far as it is, and all is freed behind that.
    @Override
    public void close() {
        turns.close();
    }
}
