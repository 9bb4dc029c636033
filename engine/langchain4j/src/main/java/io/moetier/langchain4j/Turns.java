package io.moetier.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.moetier.Answer;
import io.moetier.Chat;
import io.moetier.Model;
import io.moetier.MoetierException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Requests that one chat answers, one after the other, whichever thread asks.
final class Turns implements AutoCloseable {
    private static final long CANCEL_AGAIN_MILLIS = 20;

    private final Chat chat;
    private final @Nullable Model owned;
    private final Requests requests;
    private final ChatRequestParameters defaults;
    private final List<ChatModelListener> listeners;
    private final ReentrantLock turn = new ReentrantLock(true);
    private volatile boolean closed;

    /// Guarded by the monitor of this, so that no request is cancelled in the place of another.
    private @Nullable Consumer<String> answering; // who is told of the answer under way

    /// @param owned is closed with this
    Turns(
            Chat chat,
            @Nullable Model owned,
            Requests requests,
            ChatRequestParameters defaults,
            List<ChatModelListener> listeners) {
        this.chat = chat;
        this.owned = owned;
        this.requests = requests;
        this.defaults = defaults;
        this.listeners = List.copyOf(listeners);
    }

    ChatRequestParameters defaults() {
        return defaults;
    }

    List<ChatModelListener> listeners() {
        return listeners;
    }

    /// Returns what a request asks for.
    ///
    /// @throws dev.langchain4j.exception.UnsupportedFeatureException if that cannot be
    Question question(ChatRequest request) {
        return requests.question(request);
    }

    /// Answers a question when its turn comes.
    ///
    /// @param onPiece must not throw
    ChatResponse answer(Question question, Consumer<String> onPiece) {
        turn.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            begin(onPiece);
            Answer answer = chat.withSettings(question.settings())
                    .resume(question.before())
                    .say(question.text(), piece -> {
                        if (closed) {
                            chat.cancel();
                        }
                        onPiece.accept(piece);
                    });
            return response(answer);
        } catch (MoetierException.NotPossible e) {
            throw new InvalidRequestException(e);
        } catch (MoetierException e) {
            throw new NonRetriableException(e);
        } finally {
            begin(null);
            try {
                if (closed) { // maybe by what this has told
                    free();
                }
            } finally {
                turn.unlock();
            }
        }
    }

    private synchronized void begin(@Nullable Consumer<String> told) {
        answering = told;
    }

    /// Ends the answer that this is told of, if it is under way.
    synchronized void cancel(Consumer<String> told) {
        if (told.equals(answering)) {
            chat.cancel();
        }
    }

    private ChatResponse response(Answer answer) {
        return ChatResponse.builder()
                .aiMessage(AiMessage.from(answer.text()))
                .id(UUID.randomUUID().toString())
                .modelName(requests.modelName())
                .tokenUsage(
                        new TokenUsage(answer.promptLength(), answer.report().generatedTokens()))
                .finishReason(reason(answer))
                .build();
    }

    private static FinishReason reason(Answer answer) {
        return switch (answer.finishReason()) {
            case END_OF_SEQUENCE, STOP_TEXT -> FinishReason.STOP;
            case MAX_TOKENS, CONTEXT_FULL -> FinishReason.LENGTH;
            case CANCELLED -> FinishReason.OTHER;
        };
    }

    /// Ends the answer under way, be it that it is still being prepared, and waits for that. Who is told of the answer
    /// may call: then it ends, and all is freed, when that has returned.
    @Override
    public void close() {
        closed = true;
        if (turn.isHeldByCurrentThread()) {
            chat.cancel();
            return;
        }
        endAnswer();
        try {
            free();
        } finally {
            turn.unlock();
        }
    }

    /// Does nothing the second time.
    private void free() {
        try (owned) {
            chat.close();
        }
    }

    /// Returns when it is this thread's turn.
    private void endAnswer() {
        boolean interrupted = false;
        boolean isOurs = false;
        while (!isOurs) {
            chat.cancel(); // again each time, for an answer may begin after the first one
            try {
                isOurs = turn.tryLock(CANCEL_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
