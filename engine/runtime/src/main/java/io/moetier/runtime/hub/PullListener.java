package io.moetier.runtime.hub;

/// What a download tells whoever waits for it. The waiting thread calls.
public interface PullListener {
    /// Tells nobody.
    PullListener SILENT = new PullListener() {};

    /// Takes a line for people.
    default void note(String line) {}

    /// Is told that the hub is asked for parts of files, to see whether all of them are wanted; what is returned is
    /// closed when that ends, well or not.
    default Look looking() {
        return () -> {};
    }

    /// Is told that a download begins; what is returned is told how it goes and closed when it ends, well or not.
    ///
    /// @param totalBytes that are still to come
    default Download downloading(long totalBytes) {
        return doneBytes -> {};
    }

    /// A look at files that is under way.
    interface Look extends AutoCloseable {
        @Override
        void close();
    }

    /// A download that is under way.
    interface Download extends AutoCloseable {
        /// Takes how many of all bytes have come.
        void update(long doneBytes);

        @Override
        default void close() {}
    }
}
