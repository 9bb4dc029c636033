package io.moetier.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jline.reader.EndOfFileException;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;

/// Reads prompts and commands from a terminal and prints the answers, until the user leaves.
///
/// What is typed while the model answers is not shown; it becomes the beginning of the next prompt. Ctrl-C stops the
/// answer, Ctrl-Z the process until the shell goes on with it, Ctrl-D leaves.
final class PromptLoop {
    private static final String STOPPING = "\n(stopping after this layer; Ctrl-C again leaves)\n";
    private static final String KEYS = PromptCommands.line("\\", "at the end of a line: go on in the next line")
            + PromptCommands.line("\"\"\"", "begins and ends a text of several lines")
            + PromptCommands.line("Ctrl-C", "stops the answer");

    private final Terminal terminal;
    private final InputStream keys;
    private final Answerer answerer;
    private final SamplingSettings settings;
    private final SavedChat saved;
    private final boolean stats;
    private final PromptCommands commands;
    private final PromptReader reader;
    private boolean leaving;

    /// Talks over `terminal`, which stays open.
    ///
    /// @param keys what `terminal` reads
    /// @param settings what `/set` changes
    /// @param stats whether the figures after an answer are the table or a line
    PromptLoop(
            Terminal terminal,
            InputStream keys,
            Surroundings surroundings,
            Answerer answerer,
            SamplingSettings settings,
            boolean stats) {
        this.terminal = terminal;
        this.keys = keys;
        this.answerer = answerer;
        this.settings = settings;
        this.saved = new SavedChat(answerer, surroundings.home());
        this.stats = stats;
        this.commands = new PromptCommands(entries(), settings.names());
        this.reader = new PromptReader(terminal, surroundings.historyFile(), commands);
    }

    /// Runs until `/bye` or the end of the input.
    void run() {
        run(QuietTerminal::stopProcessGroup);
    }

    /// Runs with another way to stop the process.
    void run(Runnable stop) {
        say("/help lists the commands, Ctrl-D leaves\n");
        if (!answerer.remembers()) {
            say("without a chat template each prompt starts afresh\n");
        }
        try (QuietTerminal quiet = new QuietTerminal(terminal, keys, reader::isReading, stop)) {
            while (!leaving) {
                next(quiet.takeKept());
            }
        }
    }

    private List<PromptCommands.Entry> entries() {
        return List.of(
                new PromptCommands.Entry("/regen", "", "answer the last prompt again, with another draw", given ->
                        answer(answerer::answerAgain)),
                new PromptCommands.Entry("/clear", "", "forget the conversation, keep the system message", given -> {
                    answerer.reset();
                    say("the conversation is forgotten\n");
                }),
                new PromptCommands.Entry(
                        "/system", "TEXT", "system message from the next answer on; \"\": none; alone: shows it",
                        this::system),
                new PromptCommands.Entry(
                        PromptCommands.SET, "NAME VALUE", "change how tokens are chosen; alone: lists the values",
                        this::set),
                new PromptCommands.Entry("/save", "FILE", "write the conversation to a new file, or to its own",
                        given -> say(saved.save(given, false) + "\n")),
                new PromptCommands.Entry("/save!", "FILE", "the same, in place of any file", given ->
                        say(saved.save(given, true) + "\n")),
                new PromptCommands.Entry("/load", "FILE", "go on with the conversation in a file", given ->
                        say(saved.load(given) + "\n")),
                new PromptCommands.Entry("/stats", "", "figures of the last answer", given ->
                        say(answerer.stats() + "\n")),
                new PromptCommands.Entry("/help", "", "this list", given -> help()),
                new PromptCommands.Entry("/?", "", "", given -> help()),
                new PromptCommands.Entry("/bye", "", "leave, as Ctrl-D does", given -> leaving = true),
                new PromptCommands.Entry("/exit", "", "", given -> leaving = true),
                new PromptCommands.Entry("/quit", "", "", given -> leaving = true));
    }

    private void next(String typedBefore) {
        try {
            obey(TypedText.of(reader.read(typedBefore)));
        } catch (UserInterruptException e) {
            if (e.getPartialLine() == null || e.getPartialLine().isEmpty()) {
                say("Ctrl-D or /bye leaves\n");
            }
        } catch (EndOfFileException e) {
            leaving = true;
        }
    }

    private void obey(TypedText typed) {
        if (typed.command().isPresent()) {
            command(typed.command().get(), typed.text());
        } else if (!typed.text().isBlank()) {
            answer((out, cancelled) -> answerer.answer(typed.text(), out, cancelled));
        }
    }

    private void command(String name, String given) {
        try {
            commands.find(name)
                    .orElseThrow(() ->
                            new IllegalArgumentException("no such command: " + name + "; /help lists them"))
                    .run(given);
        } catch (IOException | RuntimeException | VirtualMachineError e) {
            say("moetier: " + Failure.of(e).sentence() + "\n");
        }
    }

    private void help() {
        say(commands.help() + KEYS);
    }

    private void system(String given) {
        if (!given.isEmpty()) {
            answerer.instruct(given.equals("\"\"") ? "" : given);
        }
        say(answerer.transcript().system().map(text -> "system message: " + text).orElse("no system message") + "\n");
    }

    private void set(String given) {
        if (given.isEmpty()) {
            say(settings.table() + "\n");
            return;
        }
        String[] words = given.split("\\s+", 2);
        if (words.length > 1) {
            settings.set(words[0], words[1]);
        }
        say(settings.line(words[0]) + "\n");
    }

    /// What is asked for pieces of an answer.
    private interface Asking {
        void run(Consumer<String> out, BooleanSupplier cancelled);
    }

    private void answer(Asking asking) {
        Interruption interruption = Interruption.ofConversation(() -> say(STOPPING));
        Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> interruption.interrupt());
        try (interruption) {
            asking.run(this::sayAnswer, interruption);
            say("\n\n" + (stats ? answerer.stats() : answerer.line()));
        } catch (RuntimeException | VirtualMachineError e) { // the next answer may need less memory
            say("\nmoetier: " + Failure.of(e).sentence());
        } finally {
            terminal.handle(Terminal.Signal.INT, before);
        }
        say("\n");
    }

    /// Prints what is ours.
    private void say(String text) {
        print(TerminalText.escape(text));
    }

    /// Prints a piece of the model's answer.
    private void sayAnswer(String piece) {
        print(TerminalText.escapeAnswer(piece));
    }

    private void print(String text) {
        terminal.writer().print(text);
        terminal.writer().flush();
    }
}
