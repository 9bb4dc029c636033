package io.moetier.runtime.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;

/// An answer while it comes: its tokens and the pieces of its text, which are handed on.
final class Pieces implements Consumer<String> {
    private final Consumer<String> next;
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> ids = new ArrayList<>();

    Pieces(Consumer<String> next) {
        this.next = next;
    }

    @Override
    public void accept(String piece) {
        text.append(piece);
        next.accept(piece);
    }

    /// Returns what keeps each token, tells `onToken` of it and asks `goesOn` whether that was the last.
    IntPredicate noting(IntConsumer onToken, IntPredicate goesOn) {
        return id -> {
            ids.add(id);
            onToken.accept(id);
            return goesOn.test(id);
        };
    }

    /// Writes a token as a number, where there is no tokenizer.
    boolean addId(int id) {
        accept(ids.size() > 1 ? " " + id : Integer.toString(id));
        return true;
    }

    String text() {
        return text.toString();
    }

    List<Integer> ids() {
        return List.copyOf(ids);
    }
}
