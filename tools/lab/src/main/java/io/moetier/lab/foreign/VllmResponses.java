package io.moetier.lab.foreign;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.Phase;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/// Responses of vLLM's server: one JSON object in the file, or one on each line. Each choice is a request.
///
/// Responses of version 0.21 have lists: `prompt_routed_experts` of the prompt, which is counted with the first choice,
/// and in each choice `routed_experts` of the generated tokens. Others have in each choice a string, the array of NumPy
/// in Base64, of the prompt and all generated tokens but the last; the prompt was computed once, so it is left out of
/// all choices but the first.
final class VllmResponses implements ForeignTrace {
    static final String FIELD = "routed_experts";
    static final String PROMPT_FIELD = "prompt_" + FIELD;
    private static final int MOST_LINE_BYTES = 256 << 20;

    private final Path file;
    private final int numExperts;
    private final int promptTokens;
    private Optional<String> model = Optional.empty();

    VllmResponses(Path file, int numExperts, int promptTokens) {
        this.file = file;
        this.numExperts = numExperts;
        this.promptTokens = promptTokens;
    }

    @Override
    public Optional<String> model() {
        return model;
    }

    @Override
    public OptionalInt numExperts() {
        return OptionalInt.empty();
    }

    /// The first line is a whole object where there is one on each line.
    @Override
    public void read(Consumer<ForeignToken> tokens) {
        VllmTokens requests = new VllmTokens(numExperts, tokens);
        try (TextLines lines = new TextLines(file, MOST_LINE_BYTES)) {
            String line = lines.next();
            if (line == null || !line.stripTrailing().endsWith("}")) {
                read(Json.readObject(file), requests);
                return;
            }
            for (; line != null; line = lines.next()) {
                read(Json.parseObject(line.getBytes(StandardCharsets.UTF_8), lines.where()), requests);
            }
        }
    }

    private void read(JsonObject response, VllmTokens requests) {
        model = model.or(() -> response.optionalString("model"));
        Object prompt = response.asMap().get(PROMPT_FIELD);
        if (prompt != null) {
            RoutedExperts experts = experts(response, PROMPT_FIELD, prompt);
            requests.add(experts, 0, experts.numTokens(), Phase.PREFILL, at(response, PROMPT_FIELD));
        }
        boolean withPrompt = !response.keys().contains(PROMPT_FIELD);
        int numPrompt = withPrompt ? numPromptTokens(response) : 0;
        List<JsonObject> choices = response.requireObjects("choices");
        for (int i = 0; i < choices.size(); i++) {
            Object value = choices.get(i).asMap().get(FIELD);
            if (value != null) {
                RoutedExperts experts = experts(choices.get(i), FIELD, value);
                int begin = Math.min(numPrompt, experts.numTokens());
                Path where = at(response, "choices[" + i + "]." + FIELD);
                requests.add(experts, i == 0 ? 0 : begin, begin, Phase.PREFILL, where);
                requests.add(experts, begin, experts.numTokens(), Phase.DECODE, where);
            }
            requests.endRequest();
        }
    }

    private int numPromptTokens(JsonObject response) {
        return response.optionalObject("usage")
                .flatMap(usage -> usage.optionalInt("prompt_tokens"))
                .map(count -> Math.max(0, count))
                .orElse(promptTokens);
    }

    private static RoutedExperts experts(JsonObject json, String field, Object value) {
        return switch (value) {
            case List<?> tokens -> NestedLists.of(json, field, tokens);
            case String text -> NpyArray.of(decode(json, field, text), at(json, field));
            default -> throw json.unexpected(field, "lists or a string", value);
        };
    }

    private static ByteBuffer decode(JsonObject json, String field, String text) {
        try {
            return ByteBuffer.wrap(Base64.getDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            throw json.unexpected(field, "a string in Base64", "'" + text + "'");
        }
    }

    /// A path that names the field too, for the errors of what is in it.
    private static Path at(JsonObject json, String field) {
        Path source = json.source();
        return source.resolveSibling(source.getFileName() + " " + field);
    }
}
