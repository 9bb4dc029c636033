package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import java.util.Optional;

/// What makes a text of tokens.
final class Decoders {
    private static final String KNOWN =
            "BPEDecoder, ByteFallback, ByteLevel, CTC, Fuse, Metaspace, Replace, Sequence," + " Strip, WordPiece";

    private Decoders() {}

    /// Checks the decoders of a file.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if one may end the process or take without bound
    static void check(JsonObject file) {
        double growth = 1;
        for (Component step : Component.read(file, "decoder", "decoders")) {
            growth *= check(step);
        }
        if (growth > Limits.GROWTH) {
            throw file.unexpected(
                    "decoder",
                    "steps that make a text at most " + Effort.shown(Limits.GROWTH) + " times longer",
                    Effort.shown(growth) + " times");
        }
    }

    /// Checks a step and returns how many times longer it makes a text at most.
    private static double check(Component step) {
        return switch (step.type()) {
            case "ByteLevel", "ByteFallback", "Fuse", "Metaspace" -> 1;
            case "WordPiece" -> 2;
            case "BPEDecoder" -> step.json().optionalString("suffix").orElse("").isEmpty() ? 2 : 1;
            case "CTC" -> 2;
            case "Strip" -> strip(step);
            case "Replace" -> replace(step);
            default -> throw step.unknown(KNOWN);
        };
    }

    /// The library counts back beyond the begin of a token that is all to be stripped.
    private static double strip(Component step) {
        if (step.json().requireLong("stop") != 0) {
            throw step.json().unexpected("stop", "0", step.json().value("stop"));
        }
        return 1;
    }

    private static double replace(Component step) {
        Optional<PlacedPattern> pattern = PlacedPattern.read(step.json());
        if (pattern.filter(found -> !found.isConstant()).isPresent()) {
            throw step.json()
                    .unexpected(
                            "pattern",
                            "a pattern that goes back no further in longer texts",
                            step.json().value("pattern"));
        }
        int least = PlacedPattern.literal(step.json())
                .map(String::length)
                .orElseGet(() -> pattern.orElseThrow().pattern().leastLength());
        double content = step.json().requireString("content").length();
        return least == 0 ? 2 + content : Math.max(1, content / least);
    }
}
