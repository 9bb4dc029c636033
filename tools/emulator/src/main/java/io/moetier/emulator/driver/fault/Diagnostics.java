package io.moetier.emulator.driver.fault;

import java.util.ArrayDeque;
import java.util.List;

/// What went wrong, in words, the latest last. A program only learns a status.
public final class Diagnostics {
    private static final int MOST = 1000;
    private final ArrayDeque<String> messages = new ArrayDeque<>();

    /// Adds what went wrong.
    ///
    /// @param source a function, or the label of a command
    public void add(String source, CudaStatus status, String reason) {
        if (messages.size() == MOST) {
            messages.removeFirst();
        }
        messages.add(source + ": " + status.symbol() + ": " + reason);
    }

    public List<String> all() {
        return List.copyOf(messages);
    }
}
