package io.moetier.cli;

import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.text.ChatTemplate;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Answers one prompt, or those typed at a terminal.
@Command(name = "run", description = "Continue a text, or answer prompts typed at the terminal when none is given.")
final class RunCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Parameters(index = "1", arity = "0..1", paramLabel = "PROMPT", description = "The text to continue.")
    @Nullable
    String prompt;

    @Mixin
    PromptOptions promptOptions = new PromptOptions();

    @Mixin
    SamplingOptions sampling = new SamplingOptions();

    @Option(
            names = "--chat",
            negatable = true,
            description = "Use the checkpoint's chat template (the default where it has one) or, with --no-chat, not.")
    @Nullable
    Boolean chat;

    @Option(names = "--no-chat-template", hidden = true, description = "The same as --no-chat.")
    boolean noChatTemplate;

    @Option(names = "--stats", description = "Show at the end what each tier did.")
    boolean stats;

    @Option(names = "--json", description = "Print the answer and its figures as one JSON object.")
    boolean json;

    RunCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        promptOptions.requireOneSource(prompt);
        EngineConfig config = model.config();
        sampling.params(); // before anything is imported
        Path store = new Stores(surroundings, streams).open(model.model);
        try (LoadedModel loaded = LoadedModel.open(model.model, store, config);
                Conversation conversation = new Conversation(loaded, sampling, template(loaded))) {
            Optional<int[]> ids = promptOptions.ids();
            if (ids.isPresent()) {
                return answerOnce(conversation, (out, cancelled) -> conversation.answer(ids.get(), out, cancelled));
            }
            Optional<String> text = promptText();
            if (text.isPresent()) {
                return answerOnce(conversation, (out, cancelled) -> conversation.answer(text.get(), out, cancelled));
            }
            loaded.requireTokenizer();
            try (Terminal terminal =
                    TerminalBuilder.builder().system(true).dumb(true).build()) {
                new PromptLoop(terminal, surroundings.historyFile(), conversation).run();
            }
            return Failure.OK;
        }
    }

    /// The text on the command line, in the file, or on standard input; none if somebody sits there to type it.
    private Optional<String> promptText() throws IOException {
        if (prompt != null) {
            return Optional.of(prompt);
        }
        if (promptOptions.promptFile != null) {
            return promptOptions.text();
        }
        if (surroundings.inputIsTerminal()) {
            return Optional.empty();
        }
        return Optional.of(new String(streams.in().readAllBytes(), StandardCharsets.UTF_8).stripTrailing());
    }

    private Optional<ChatTemplate> template(LoadedModel loaded) {
        if (noChatTemplate || Boolean.FALSE.equals(chat)) {
            return Optional.empty();
        }
        Optional<ChatTemplate> template = loaded.chatTemplate();
        if (Boolean.TRUE.equals(chat) && template.isEmpty()) {
            throw new IllegalArgumentException("--chat: " + model.model + " has no chat template");
        }
        return template;
    }

    private int answerOnce(Conversation conversation, Answer answer) {
        AtomicBoolean interrupted = new AtomicBoolean();
        Signals.register("INT", () -> {
            if (interrupted.getAndSet(true)) {
                Runtime.getRuntime().halt(Failure.INTERRUPTED); // asked twice
            }
        });
        StringBuilder text = new StringBuilder();
        answer.to(json ? text::append : streams::print, interrupted::get);
        RunReport report = conversation.report();
        if (json) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("text", text.toString());
            fields.putAll(report.fields());
            streams.print(Json.write(fields) + "\n");
        } else {
            streams.print("\n");
            streams.note(stats ? "\n" + report.table().stripTrailing() : report.line());
        }
        return interrupted.get() ? Failure.INTERRUPTED : Failure.OK;
    }

    private interface Answer {
        void to(Consumer<String> out, BooleanSupplier cancelled);
    }
}
