package io.moetier.cli;

import java.util.concurrent.Callable;
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
    public Integer call() {
        throw new UnsupportedOperationException(surroundings.terminals() + streams.in());
    }
}
