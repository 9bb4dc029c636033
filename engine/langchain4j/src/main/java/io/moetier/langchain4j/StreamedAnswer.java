package io.moetier.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.function.Consumer;

/// An answer of which a handler is told. As LangChain4j has it, what the handler throws is told to its `onError`, and
/// the answer goes on.
final class StreamedAnswer implements Runnable, Consumer<String>, StreamingHandle {
    private static final System.Logger LOG = System.getLogger(StreamedAnswer.class.getPackageName());

    private final Turns turns;
    private final Question question;
    private final StreamingChatResponseHandler handler;
    private volatile boolean cancelled;

    StreamedAnswer(Turns turns, Question question, StreamingChatResponseHandler handler) {
        this.turns = turns;
        this.question = question;
        this.handler = handler;
    }

    @Override
    public void run() {
        ChatResponse response;
        try {
            response = turns.answer(question, this);
        } catch (Throwable e) { // the top of this thread
            tellError(e);
            return;
        }
        if (!cancelled) {
            tell(() -> handler.onCompleteResponse(response));
        }
    }

    @Override
    public void accept(String piece) {
        if (!cancelled && !piece.isEmpty()) {
            tell(() -> handler.onPartialResponse(new PartialResponse(piece), new PartialResponseContext(this)));
        }
    }

    private void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            tellError(e);
        }
    }

    private void tellError(Throwable error) {
        try {
            handler.onError(error);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a handler's onError failed", e);
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
        turns.cancel(this);
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }
}
