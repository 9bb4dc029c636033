package io.moetier.cli.explain;

import io.moetier.cli.terminal.TerminalText;
import io.moetier.runtime.text.TokenStream;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.model.Modality;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Tokens, each with what it adds to the text; nothing where the model has no tokenizer.
///
/// @param imageToken what stands for rows of images, if there are any
record ExplainedTokens(List<Integer> ids, List<String> texts, OptionalInt imageToken) {
    static ExplainedTokens of(int[] ids, OptionalInt imageToken, Optional<Tokenizer> tokenizer) {
        List<String> texts = new ArrayList<>();
        Optional<TokenStream> stream = tokenizer.map(present -> TokenStream.of(present, false));
        for (int id : ids) {
            texts.add(stream.map(present -> present.next(id)).orElse(""));
        }
        return new ExplainedTokens(IntStream.of(ids).boxed().toList(), texts, imageToken);
    }

    int count() {
        return ids.size();
    }

    Modality modality(int position) {
        return imageToken.isPresent() && imageToken.getAsInt() == id(position) ? Modality.IMAGE : Modality.TEXT;
    }

    long imageCount() {
        return IntStream.range(0, count())
                .filter(position -> modality(position) == Modality.IMAGE)
                .count();
    }

    /// Returns the token for a heading: its text, if it adds any, and its id.
    String words(int position) {
        if (modality(position) == Modality.IMAGE) {
            return "of an image, id " + id(position);
        }
        return texts.get(position).isEmpty() ? "id " + id(position) : quoted(position) + ", id " + id(position);
    }

    /// Returns the token for the edge of a chart: its text, or its id where it adds none.
    String label(int position) {
        if (modality(position) == Modality.IMAGE) {
            return "image";
        }
        return texts.get(position).isEmpty() ? String.valueOf(id(position)) : quoted(position);
    }

    private int id(int position) {
        return ids.get(position);
    }

    private String quoted(int position) {
        return "\"" + TerminalText.escapeLine(texts.get(position)) + "\"";
    }
}
