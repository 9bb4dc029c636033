package io.moetier.cli.explain;

import io.moetier.cli.option.About;
import io.moetier.cli.option.Topic;
import io.moetier.lab.explain.Explainer.Wanted;
import io.moetier.runtime.model.spec.ModelSpec;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which tokens and which layers are shown as tables.
@About(Topic.REPORTS)
final class ExplainScope {
    private static final String ALL = "all";
    private static final String LAST = "last";

    @Option(
            names = "--layer",
            paramLabel = "N|all",
            description = "Show this layer, in the model's own numbering, which goes on from encoder to decoder; all:"
                    + " every layer with a mixture; default: the first one, of encoder and decoder each.")
    @Nullable
    String layer;

    @Option(
            names = "--token",
            paramLabel = "N|last|all",
            defaultValue = LAST,
            description = "Show this token, counted from 0; default: ${DEFAULT-VALUE}.")
    String token = LAST;

    /// Checks what can be checked without the model.
    ///
    /// @throws IllegalArgumentException if a number is none
    void check() {
        if (layer != null && !layer.equals(ALL)) {
            number("--layer", layer, "a number or all");
        }
        if (!token.equals(ALL) && !token.equals(LAST)) {
            number("--token", token, "a number, last or all");
        }
    }

    /// Returns what is shown of a prompt.
    ///
    /// @param inputLength tokens that an encoder reads
    /// @param length tokens that a decoder reads
    /// @throws IllegalArgumentException if there is nothing in that place
    Wanted places(ModelSpec spec, int inputLength, int length) {
        List<Integer> layers = shownLayers(spec);
        int encoderLayers = spec.encoderLayers();
        if (!token.equals(ALL) && !token.equals(LAST)) {
            int position = number("--token", token, "a number, last or all");
            int longest = layers.stream()
                    .mapToInt(shown -> shown < encoderLayers ? inputLength : length)
                    .max()
                    .orElseThrow();
            if (position >= longest) {
                throw new IllegalArgumentException("--token " + token + ": there "
                        + (longest == 1 ? "is one token, 0" : "are " + longest + " tokens, 0 to " + (longest - 1)));
            }
            return (at, of) -> of == position && layers.contains(at);
        }
        return (at, of) ->
                layers.contains(at) && (token.equals(ALL) || of == (at < encoderLayers ? inputLength : length) - 1);
    }

    private List<Integer> shownLayers(ModelSpec spec) {
        List<Integer> layers = ExplainedPrompt.layers(spec);
        if (layer == null) {
            return Stream.concat(
                            layers.stream()
                                    .filter(number -> number < spec.encoderLayers())
                                    .limit(1),
                            layers.stream()
                                    .filter(number -> number >= spec.encoderLayers())
                                    .limit(1))
                    .toList();
        }
        if (layer.equals(ALL)) {
            return layers;
        }
        int number = number("--layer", layer, "a number or all");
        if (!layers.contains(number)) {
            throw new IllegalArgumentException("--layer " + layer + ": no mixture there, the layers that have one are "
                    + String.join(", ", layers.stream().map(String::valueOf).toList()));
        }
        return List.of(number);
    }

    private static int number(String option, String text, String expected) {
        if (!text.matches("\\d{1,9}")) {
            throw new IllegalArgumentException(option + ": expected " + expected + ", found '" + text + "'");
        }
        return Integer.parseInt(text);
    }
}
