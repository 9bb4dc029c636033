package io.moetier.cli.run;

import io.moetier.cli.option.About;
import io.moetier.cli.option.Topic;
import io.moetier.runtime.chat.Translation;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.text.LanguageTokens;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// From which language into which a model translates.
@About(Topic.PROMPT)
final class LanguageOptions {
    @Option(
            names = "--source-language",
            paramLabel = "CODE",
            description = "For a model that translates: the language of the prompt, such as eng_Latn;"
                    + " default: what the tokenizer takes.")
    @Nullable
    String source;

    @Option(
            names = "--target-language",
            paramLabel = "CODE",
            description = "For a model that translates: the language to translate into, such as fra_Latn;"
                    + " default: what generation_config.json says.")
    @Nullable
    String target;

    /// Returns the languages as tokens of a model.
    ///
    /// @param isText whether the prompt is a text, which must be translated into some language, and not ids
    /// @throws IllegalArgumentException if the model has no such languages, or needs one that was not given
    Translation of(LoadedModel model, boolean isText) {
        if (source != null && !isText) {
            throw new IllegalArgumentException(
                    "--source-language needs a text, but --ids and --ids-file give token ids");
        }
        LanguageTokens languages = model.languages();
        if (languages.isEmpty() && (source != null || target != null)) {
            throw new IllegalArgumentException((source == null ? "--target-language: " : "--source-language: ")
                    + model.name() + " has no tokens for languages");
        }
        Optional<Integer> first = id(languages, "--target-language", target)
                .or(() -> model.engine().forcedFirstToken());
        boolean translates =
                !languages.isEmpty() && model.engine().spec().encoder().isPresent();
        if (translates && isText && first.isEmpty()) {
            throw new IllegalArgumentException(
                    model.name() + " translates: say into which language, as in --target-language fra_Latn");
        }
        return new Translation(languages, id(languages, "--source-language", source), first);
    }

    private static Optional<Integer> id(LanguageTokens languages, String option, @Nullable String language) {
        try {
            return Optional.ofNullable(language).map(languages::idOf);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(option + ": " + e.getMessage(), e);
        }
    }
}
