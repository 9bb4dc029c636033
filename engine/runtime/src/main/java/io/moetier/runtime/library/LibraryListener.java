package io.moetier.runtime.library;

/// What a library of models tells whoever uses it, and what it asks. The thread that loads a model calls.
public interface LibraryListener {
    /// Tells nobody, and agrees to nothing.
    LibraryListener SILENT = new LibraryListener() {};

    /// Takes a line for people: what is done beside what was asked for.
    default void note(String line) {}

    /// Says whether somebody agrees to what `question` asks: whether stores of other models may go.
    default boolean agrees(String question) {
        return false;
    }

    /// Is told that an import begins; what is returned is told how it goes and closed when it ends, well or not.
    ///
    /// @param totalBytes of the model's files
    default Import importing(long totalBytes) {
        return doneBytes -> {};
    }

    /// An import that is under way.
    interface Import extends AutoCloseable {
        /// Takes how many of all bytes have been imported; all of them when the store has been published.
        void update(long doneBytes);

        @Override
        default void close() {}
    }
}
