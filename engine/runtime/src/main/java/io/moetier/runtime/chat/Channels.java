package io.moetier.runtime.chat;

import io.moetier.runtime.session.TextStream;
import io.moetier.runtime.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/// An answer in channels. gpt-oss (OpenAI's Harmony response format, 2025) writes `<|channel|>`, a name, `<|message|>`
/// and a text, and between two of these `<|end|>`, `<|start|>` and a role; Gemma 4 writes `<|channel>`, a line with a
/// name, a text and `<channel|>`, and its answer in no channel. Solar Open writes `<|think|>` or `<|content|>` and a
/// text, and between the two `<|end|>`, `<|begin|>` and a role.
///
/// The marks are no text, and the names no part of what is said. The channel `final` is the answer; others are what the
/// model thinks, and are given out as most models write that themselves: between `<think>` and `</think>`.
final class Channels implements Consumer<String> {
    private static final String FINAL = "final";
    private static final String THINK = "<think>";
    private static final String THOUGHT = "</think>";
    private static final String BEGIN = THINK + "\n"; // as thoughts are given out
    private static final String END = "\n" + THOUGHT + "\n\n";

    private final Marks marks;
    private final Tokenizer tokenizer;
    private final Consumer<String> out;
    private final List<Integer> name = new ArrayList<>();
    private boolean naming;
    private boolean thinking;
    private boolean isThoughtOpen; // in what was given out
    private boolean isNew; // and nothing was given out of this channel yet

    /// @param out is given the text of all channels
    Channels(Marks marks, Tokenizer tokenizer, Consumer<String> out) {
        this.marks = marks;
        this.tokenizer = tokenizer;
        this.out = out;
    }

    /// The tokens around texts.
    ///
    /// @param messages each stands between a name and a text; if there is none, a name is a line
    /// @param thought the message that is thought, where names tell nothing
    record Marks(int channel, List<Integer> messages, Optional<Integer> thought, List<Integer> ends) {
        /// Returns those of a tokenizer whose model answers in channels.
        static Optional<Marks> of(Tokenizer tokenizer) {
            return ids(tokenizer, "<|channel|>", "<|message|>", "<|start|>", "<|end|>")
                    .map(ids -> new Marks(ids.get(0), ids.subList(1, 2), Optional.empty(), ids.subList(2, 4)))
                    .or(() -> ids(tokenizer, "<|channel>", "<channel|>")
                            .map(ids -> new Marks(ids.get(0), List.of(), Optional.empty(), ids.subList(1, 2))))
                    .or(() -> ids(tokenizer, "<|begin|>", "<|think|>", "<|content|>", "<|end|>")
                            .map(ids -> new Marks(
                                    ids.get(0), ids.subList(1, 3), Optional.of(ids.get(1)), ids.subList(3, 4))));
        }

        /// Says whether a text follows that needs no name.
        private boolean opens(int token) {
            return thought.isPresent() && messages.contains(token);
        }

        /// Returns the ids of all these tokens; none if one is missing.
        private static Optional<List<Integer>> ids(Tokenizer tokenizer, String... tokens) {
            List<Integer> ids = Stream.of(tokens)
                    .flatMap(token -> tokenizer.idOf(token).stream())
                    .toList();
            return ids.size() == tokens.length ? Optional.of(ids) : Optional.empty();
        }
    }

    /// Returns what takes the tokens of an answer and says whether it goes on.
    ///
    /// @param text is handed those that are text, and gives this what they say
    IntPredicate before(TextStream text) {
        return token -> take(token, text);
    }

    private boolean take(int token, TextStream text) {
        if (token == marks.channel || marks.ends.contains(token)) {
            text.finish();
            name.clear();
            naming = token == marks.channel || !marks.messages.isEmpty(); // or of a role
            thinking &= naming;
        } else if (naming || marks.opens(token)) {
            text.finish();
            name(token);
        } else {
            return text.test(token);
        }
        return true;
    }

    private void name(int token) {
        boolean isMessage = marks.messages.contains(token);
        if (!isMessage) {
            name.add(token);
        }
        String channel =
                tokenizer.decode(name.stream().mapToInt(Integer::intValue).toArray(), true);
        if (isMessage || (marks.messages.isEmpty() && channel.endsWith("\n"))) {
            naming = false;
            thinking = marks.thought
                    .map(thought -> thought == token)
                    .orElseGet(() -> !channel.strip().startsWith(FINAL));
            isNew = true;
        }
    }

    /// Gives out a piece of the text of the present channel.
    @Override
    public void accept(String piece) {
        if (thinking != isThoughtOpen) {
            out.accept(thinking ? BEGIN : END);
        } else if (thinking && isNew) {
            out.accept("\n\n"); // another thought
        }
        isThoughtOpen = thinking;
        isNew = false;
        out.accept(piece);
    }

    /// Returns an answer without what the model thought before, which its chat template takes no part of. Thoughts and
    /// the answer may speak of such marks, and others may have written them without the lines.
    static String withoutThoughts(String answer) {
        if (!answer.startsWith(THINK)) {
            return answer;
        }
        String mark = answer.contains(END) ? END : THOUGHT;
        int end = answer.indexOf(mark);
        return end < 0 ? "" : answer.substring(end + mark.length()).stripLeading(); // stopped before the answer
    }
}
