package io.moetier.runtime.session;

import io.moetier.runtime.text.TokenStream;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// Turns generated tokens into text as it becomes certain, and ends the answer at a stop string.
///
/// Text that may turn out to be the beginning of a stop string is held back until it is known not to be.
public final class TextStream implements IntPredicate {
    private final TokenStream tokens;
    private final List<String> stops;
    private final Consumer<String> sink;
    private final StringBuilder held = new StringBuilder();

    /// @param stops none of them empty
    public TextStream(TokenStream tokens, List<String> stops, Consumer<String> sink) {
        this.tokens = tokens;
        this.stops = List.copyOf(stops);
        this.sink = sink;
        if (stops.contains("")) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
    }

    /// Takes the next token and says whether the answer goes on.
    @Override
    public boolean test(int token) {
        held.append(tokens.next(token));
        int stop = firstStop();
        if (stop >= 0) {
            held.setLength(stop);
            release(stop);
            return false;
        }
        release(held.length() - longestBeginningOfAStop());
        return true;
    }

    /// Hands out what is still held back; to be called once when the answer has ended otherwise.
    public void finish() {
        held.append(tokens.finish());
        int stop = firstStop();
        release(stop >= 0 ? stop : held.length());
        held.setLength(0);
    }

    private void release(int length) {
        if (length > 0) {
            sink.accept(held.substring(0, length));
            held.delete(0, length);
        }
    }

    private int firstStop() {
        int first = -1;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0 && (first < 0 || at < first)) {
                first = at;
            }
        }
        return first;
    }

    private int longestBeginningOfAStop() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (held.substring(held.length() - length).equals(stop.substring(0, length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
