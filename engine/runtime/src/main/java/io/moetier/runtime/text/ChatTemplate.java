package io.moetier.runtime.text;

import io.moetier.runtime.text.jinja.JinjaBudget;
import io.moetier.runtime.text.jinja.JinjaRenderer;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes a conversation as the text that a model was trained to continue.
///
/// The template comes with the checkpoint and is rendered as *transformers* renders it. The text holds the special
/// tokens, so it is encoded without adding more. The template engine is loaded by the first rendering, not before.
public final class ChatTemplate {
    private static final String DEFAULT = "default";
    private static final int MAX_BYTES_PER_CHARACTER = 4; // in UTF-8

    private final Path source;
    private final String template;
    private final TokenizerConfig tokens;
    private final Clock clock;

    private ChatTemplate(Path source, String template, TokenizerConfig tokens, Clock clock) {
        this.source = source;
        this.template = template;
        this.tokens = tokens;
        this.clock = clock;
    }

    /// Finds the template of a model: `chat_template.jinja`, or else what `chat_template.json` holds, or else what
    /// `tokenizer_config.json` does. This is the order of *transformers*.
    ///
    /// @param clock the time for templates that write the date
    /// @return empty for a model that was not trained to chat
    /// @throws MalformedModelException if a file is not what it should be
    public static Optional<ChatTemplate> find(Path modelDirectory, Clock clock) {
        Path config = modelDirectory.resolve("tokenizer_config.json");
        TokenizerConfig tokens = Files.exists(config) ? TokenizerConfig.read(config) : TokenizerConfig.EMPTY;
        Path file = modelDirectory.resolve("chat_template.jinja");
        if (Files.exists(file)) {
            return Optional.of(new ChatTemplate(file, read(file), tokens, clock));
        }
        for (Path holder : List.of(modelDirectory.resolve("chat_template.json"), config)) {
            Optional<String> text = Files.exists(holder) ? in(Json.readObject(holder)) : Optional.empty();
            if (text.isPresent()) {
                return Optional.of(new ChatTemplate(holder, text.get(), tokens, clock));
            }
        }
        return Optional.empty();
    }

    /// Renders a conversation.
    ///
    /// @param addGenerationPrompt whether to end with what precedes an answer
    /// @throws MalformedModelException if the template cannot be rendered, or refuses the conversation
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        return render(messages, addGenerationPrompt, Map.of());
    }

    /// Renders a conversation with values for further variables that the template knows, for example
    /// `enable_thinking`.
    ///
    /// @throws MalformedModelException if the template cannot be rendered, or refuses the conversation
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, Object> variables) {
        Map<String, Object> context = new HashMap<>(tokens.special());
        context.putAll(variables);
        context.putIfAbsent("tools", null); // which transformers passes to every template, whether there are any or not
        context.putIfAbsent("documents", null);
        context.put("messages", messages.stream().map(ChatMessage::forTemplate).toList());
        context.put("add_generation_prompt", addGenerationPrompt);
        long characters = messages.stream()
                .mapToLong(message -> message.content().length())
                .sum();
        JinjaBudget budget = new JinjaBudget(messages.size(), characters);
        return JinjaRenderer.render(template, context, budget, clock, source);
    }

    /// Reads `chat_template`: the text, or a list of named ones.
    private static Optional<String> in(JsonObject holder) {
        if (!(holder.asMap().get("chat_template") instanceof List<?>)) {
            return holder.optionalString("chat_template");
        }
        for (JsonObject named : holder.requireObjects("chat_template")) {
            if (named.requireString("name").equals(DEFAULT)) {
                return Optional.of(named.requireString("template"));
            }
        }
        throw holder.unexpected("chat_template", "a template named " + DEFAULT, "only others");
    }

    private static String read(Path file) {
        try {
            if (Files.size(file) > (long) JinjaBudget.MAX_TEMPLATE_LENGTH * MAX_BYTES_PER_CHARACTER) {
                throw new MalformedModelException(file + ": the chat template cannot be rendered: it has "
                        + Files.size(file) + " bytes, and may have " + JinjaBudget.MAX_TEMPLATE_LENGTH + " characters");
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }
}
