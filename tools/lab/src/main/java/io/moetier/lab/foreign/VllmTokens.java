package io.moetier.lab.foreign;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.function.Consumer;

/// Tells of the tokens of arrays of vLLM, request after request.
final class VllmTokens {
    private final int numExperts;
    private final Consumer<ForeignToken> tokens;
    private int topK;
    private int request;
    private int position;

    VllmTokens(int numExperts, Consumer<ForeignToken> tokens) {
        this.numExperts = numExperts;
        this.tokens = tokens;
    }

    /// Tells of the tokens from `begin` to `end` of an array; `source` names it in errors.
    void add(RoutedExperts experts, int begin, int end, Phase phase, Path source) {
        if (experts.numTokens() == 0) {
            return;
        }
        if (topK != 0 && experts.topK() != topK) {
            throw MalformedModelException.of(source, "shape", topK + " experts of a layer", experts.topK());
        }
        topK = experts.topK();
        for (int token = begin; token < end; token++) {
            SortedMap<Integer, Choice> choices = experts.choices(token);
            requireDistinct(choices, token, source);
            tokens.accept(new ForeignToken(request, position, phase, choices));
            position++;
        }
    }

    /// Ends the request under way, if it has tokens.
    void endRequest() {
        request += position > 0 ? 1 : 0;
        position = 0;
    }

    private void requireDistinct(SortedMap<Integer, Choice> choices, int token, Path source) {
        choices.forEach((layer, choice) -> {
            if (!Choice.areDistinct(choice.experts(), numExperts)) {
                throw MalformedModelException.of(
                        source,
                        "[" + token + ", " + layer + "]",
                        "distinct experts from 0 to " + (numExperts - 1),
                        Arrays.toString(choice.experts()));
            }
        });
    }
}
