package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import java.util.List;

/// What puts tokens around those of a text.
final class PostProcessors {
    private static final String KNOWN = "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing";

    private PostProcessors() {}

    /// Checks the post-processors of a file.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if one may end the process
    static void check(JsonObject file) {
        for (Component step : Component.read(file, "post_processor", "processors")) {
            switch (step.type()) {
                case "ByteLevel", "BertProcessing", "RobertaProcessing" -> {}
                case "TemplateProcessing" -> template(step.json());
                default -> throw step.unknown(KNOWN);
            }
        }
    }

    /// The library takes the second text of a pair even where there is one text.
    private static void template(JsonObject template) {
        List<String> texts = template.requireObjects("single").stream()
                .flatMap(piece -> piece.optionalObject("Sequence").stream())
                .map(sequence -> sequence.requireString("id"))
                .toList();
        if (!texts.equals(List.of("A"))) {
            throw template.unexpected("single", "the sequence A, once", texts);
        }
        JsonObject specials = template.requireObject("special_tokens");
        requireKnown(template, "single", specials);
        requireKnown(template, "pair", specials);
        for (String name : specials.keys()) {
            for (long id : specials.requireObject(name).requireLongs("ids")) {
                if (id < 0 || id > Integer.MAX_VALUE) {
                    throw specials.unexpected(name, "ids from 0 to " + Integer.MAX_VALUE, id);
                }
            }
        }
    }

    /// The library takes for granted that every special token it is to put is among those that it was told.
    private static void requireKnown(JsonObject template, String key, JsonObject specials) {
        for (JsonObject piece : template.requireObjects(key)) {
            piece.optionalObject("SpecialToken").ifPresent(special -> {
                if (!specials.keys().contains(special.requireString("id"))) {
                    throw special.unexpected("id", "one of special_tokens", special.requireString("id"));
                }
            });
        }
    }
}
