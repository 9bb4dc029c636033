package io.moetier;

/// Why an answer ended.
public enum FinishReason {
    /// The model ended it.
    END_OF_SEQUENCE,
    /// It has as many tokens as were asked for.
    MAX_TOKENS,
    /// The context holds no more.
    CONTEXT_FULL,
    /// A text came before which it was to end.
    STOP_TEXT,
    /// It was cancelled, or the thread was interrupted.
    CANCELLED
}
