package io.moetier;

/// Is told how an import goes: a model is imported into the cache when it is opened for the first time.
///
/// The thread that opens the model calls.
public interface ImportListener {
    /// Tells nobody.
    ImportListener SILENT = (doneBytes, totalBytes) -> {};

    /// Takes how many of all bytes have been imported; all of them once the import is complete.
    void onProgress(long doneBytes, long totalBytes);

    /// Takes a line for people: what is done beside what was asked for, as when a store is made again because its model
    /// has changed.
    default void onNote(String line) {}

    /// Says whether stores of other models may be removed from the cache to make room; their next use imports them
    /// again.
    ///
    /// @param question names them and their size
    default boolean mayRemove(String question) {
        return false;
    }
}
