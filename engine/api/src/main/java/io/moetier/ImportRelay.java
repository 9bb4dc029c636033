package io.moetier;

import io.moetier.runtime.library.LibraryListener;

/// Tells an embedder what the library of models tells.
record ImportRelay(ImportListener listener) implements LibraryListener {
    @Override
    public void note(String line) {
        Failures.listener(() -> listener.onNote(line));
    }

    @Override
    public boolean agrees(String question) {
        return Failures.listener(() -> listener.mayRemove(question));
    }

    @Override
    public Import importing(long totalBytes) {
        return doneBytes -> Failures.listener(() -> listener.onProgress(doneBytes, totalBytes));
    }
}
