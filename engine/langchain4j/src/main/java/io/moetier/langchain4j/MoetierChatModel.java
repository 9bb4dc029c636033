package io.moetier.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.List;

/// Answers chats as a whole. Any thread may ask; requests are answered one after the other.
///
/// What there is no word for in Moetier (tools, images, other response formats than text) is an
/// [dev.langchain4j.exception.UnsupportedFeatureException]; a request that does not fit is an
/// [dev.langchain4j.exception.InvalidRequestException]. An interrupt of the asking thread ends the answer, which is
/// returned as far as it is.
public final class MoetierChatModel implements ChatModel, AutoCloseable {
    private final Turns turns;

    private MoetierChatModel(Turns turns) {
        this.turns = turns;
    }

    /// Begins to build one.
    public static MoetierBuilder<MoetierChatModel> builder() {
        return new MoetierBuilder<>(MoetierChatModel::new);
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        return turns.answer(turns.question(request), piece -> {});
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
    @Override
    public void close() {
        turns.close();
    }
}
