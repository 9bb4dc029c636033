package io.moetier.runtime.chat;

import io.moetier.runtime.session.TextStream;
import io.moetier.runtime.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// An answer in channels, as gpt-oss writes it (OpenAI's Harmony response format, 2025): `<|channel|>`, a name,
/// `<|message|>`, a text, and between two of these `<|end|>`, `<|start|>` and a role.
///
/// The marks are no text, and the names no part of what is said. The channel `final` is the answer; others are what the
/// model thinks, and are given out as most models write that themselves: between `<think>` and `</think>`.
final class Channels implements IntPredicate {
    private static final String FINAL = "final";
    private static final String THINK = "<think>";
    private static final String THOUGHT = "</think>";

    private final Marks marks;
    private final Tokenizer tokenizer;
    private final TextStream text;
    private final Consumer<String> out;
    private final List<Integer> name = new ArrayList<>();
    private boolean naming;
    private boolean thinking;

    /// @param text takes the tokens of all channels and gives their text to `out`
    Channels(Marks marks, Tokenizer tokenizer, TextStream text, Consumer<String> out) {
        this.marks = marks;
        this.tokenizer = tokenizer;
        this.text = text;
        this.out = out;
    }

    /// The tokens between texts.
    record Marks(int start, int channel, int message, int end) {
        /// Returns those of a tokenizer whose model answers in channels.
        static Optional<Marks> of(Tokenizer tokenizer) {
            List<Integer> ids = List.of("<|start|>", "<|channel|>", "<|message|>", "<|end|>").stream()
                    .flatMap(mark -> tokenizer.idOf(mark).stream())
                    .toList();
            return ids.size() == 4
                    ? Optional.of(new Marks(ids.get(0), ids.get(1), ids.get(2), ids.get(3)))
                    : Optional.empty();
        }
    }

    /// Takes the next token and says whether the answer goes on.
    @Override
    public boolean test(int token) {
        if (token == marks.message) {
            naming = false;
            begin(tokenizer.decode(name.stream().mapToInt(id -> id).toArray(), true));
        } else if (token == marks.channel || token == marks.start || token == marks.end) {
            text.finish();
            naming = true;
            name.clear();
        } else if (naming) {
            name.add(token);
        } else {
            return text.test(token);
        }
        return true;
    }

    private void begin(String channel) {
        boolean thinks = !channel.strip().startsWith(FINAL);
        if (thinks != thinking) {
            out.accept(thinks ? THINK + "\n" : "\n" + THOUGHT + "\n\n");
        } else if (thinks) {
            out.accept("\n\n"); // another thought
        }
        thinking = thinks;
    }

    /// Returns an answer without what the model thought before, which its chat template takes no part of.
    static String withoutThoughts(String answer) {
        int end = answer.lastIndexOf(THOUGHT);
        if (end >= 0) {
            return answer.substring(end + THOUGHT.length()).stripLeading();
        }
        return answer.startsWith(THINK) ? "" : answer; // it was stopped before it came to the answer
    }
}
