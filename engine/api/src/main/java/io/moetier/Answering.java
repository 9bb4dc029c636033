package io.moetier;

import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.chat.Reply;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.session.Generator.StopReason;
import io.moetier.runtime.text.ChatTemplate;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// What a [Chat] and a [Completion] have in common: one answer at a time, which another thread may cancel.
final class Answering implements AutoCloseable {
    private final Conversation conversation;
    private final Runnable policies;
    private final String name; // in messages
    private AnswerSettings settings;
    private boolean answering;
    private boolean closed;
    private volatile boolean cancelled;

    /// @param template of a chat
    /// @param policies throws what an embedder's policy has thrown
    Answering(LoadedModel model, AnswerSettings settings, Optional<ChatTemplate> template, Runnable policies) {
        this.settings = settings;
        this.policies = policies;
        name = template.isPresent() ? "chat" : "completion";
        conversation = new Conversation(model, () -> this.settings.options(), template);
    }

    /// Answers otherwise from the next answer on.
    void settings(AnswerSettings changed) {
        settings = changed;
    }

    Conversation conversation() {
        return conversation;
    }

    /// Changes what has been said, which an answer under way would change again.
    ///
    /// @throws IllegalStateException if this is closed, or who is told of an answer calls
    void change(Runnable change) {
        requireIdle();
        Failures.translated(change);
    }

    private void requireIdle() {
        if (closed || answering) {
            throw new IllegalStateException("the " + name + (closed ? " is closed" : " is answering already"));
        }
    }

    /// What is asked for the pieces of an answer.
    interface Asking {
        Reply ask(Consumer<String> onPiece, BooleanSupplier cancelled);
    }

    /// Asks for an answer, which ends early once it is cancelled or the thread is interrupted.
    ///
    /// @throws IllegalStateException if this is closed, or who is told of an answer asks for another
    Answer answer(Asking asking, Consumer<String> onPiece) {
        requireIdle();
        cancelled = false;
        answering = true;
        try {
            return Failures.translated(() -> {
                Reply reply = asking.ask(piece -> Failures.listener(() -> onPiece.accept(piece)), this::isToEnd);
                policies.run();
                return answer(reply);
            });
        } finally {
            answering = false;
            if (closed) {
                close();
            }
        }
    }

    /// Is asked before each layer.
    private boolean isToEnd() {
        policies.run();
        return cancelled || Thread.currentThread().isInterrupted();
    }

    private static Answer answer(Reply reply) {
        return new Answer(
                reply.text(),
                reply.promptLength(),
                reply.ids(),
                reason(reply.outcome().reason()),
                reply.seed(),
                AnswerReport.of(reply.outcome(), reply.stats()));
    }

    private static FinishReason reason(StopReason reason) {
        return switch (reason) {
            case END_OF_SEQUENCE -> FinishReason.END_OF_SEQUENCE;
            case MAX_TOKENS -> FinishReason.MAX_TOKENS;
            case CONTEXT_FULL -> FinishReason.CONTEXT_FULL;
            case STOP_STRING -> FinishReason.STOP_TEXT;
            case CANCELLED -> FinishReason.CANCELLED;
        };
    }

    void observe(RoutingObserver observer) {
        conversation.listen((layer, pass, k, ids, weights, tiers) -> {
            try {
                observer.onRouting(layer, pass.firstPosition(), pass.n(), k, ids, weights);
            } catch (RuntimeException e) { // here, as a call for each layer is to allocate nothing
                throw Failures.ofListener(e);
            }
        });
    }

    void cancel() {
        cancelled = true;
    }

    /// Ends the answer under way if who is told of it calls; then all is freed behind it.
    @Override
    public void close() {
        closed = true;
        if (answering) {
            cancelled = true;
        } else {
            Failures.translated(conversation::close);
        }
    }
}
