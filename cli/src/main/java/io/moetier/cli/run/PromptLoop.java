package io.moetier.cli.run;

import io.moetier.cli.terminal.Interruption;
import io.moetier.cli.terminal.QuietTerminal;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cli.terminal.TerminalText;
import io.moetier.cli.terminal.TypedText;
import io.moetier.runtime.image.Picture;
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

    private final Terminal terminal;
    private final InputStream keys;
    private final Answerer answerer;
    private final boolean stats;
    private final AttachedPictures pictures;
    private final PromptCommands commands;
    private final PromptReader reader;
    private final Remedy remedy;
    private boolean leaving;

    /// Talks over `terminal`, which stays open.
    ///
    /// @param keys what `terminal` reads
    /// @param settings what `/set` changes
    /// @param shown what the first prompt shows
    /// @param stats whether the figures after an answer are the table or a line
    PromptLoop(
            Terminal terminal,
            InputStream keys,
            Surroundings surroundings,
            Answerer answerer,
            SamplingSettings settings,
            List<Picture> shown,
            boolean stats)
            throws IOException {
        this.terminal = terminal;
        this.keys = keys;
        this.answerer = answerer;
        this.stats = stats;
        TypedFile files = new TypedFile(surroundings.home());
        this.pictures = new AttachedPictures(answerer, files, shown);
        this.commands = new PromptCommands(
                answerer, settings, files, pictures, () -> answer(answerer::answerAgain), () -> leaving = true);
        this.reader = new PromptReader(terminal, surroundings.historyFile(), commands);
        this.remedy = new Remedy(surroundings.knownCacheDirectory());
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
            PromptTerminal.leaveByCtrlC(terminal);
        }
    }

    private void next(String typedBefore) {
        try {
            String typed = reader.read(typedBefore);
            PromptTerminal.leaveByCtrlC(terminal);
            obey(TypedText.of(typed));
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
            answer((out, cancelled) -> {
                answerer.answer(typed.text(), pictures.shown(), out, cancelled);
                pictures.clear(); // but not after a failure
            });
        }
    }

    private void command(String name, String given) {
        try {
            say(commands.run(name, given));
        } catch (IOException | RuntimeException | VirtualMachineError e) {
            say("moetier: " + remedy.sentence(e) + "\n");
        }
    }

    /// What is asked for pieces of an answer.
    private interface Asking {
        void run(Consumer<String> out, BooleanSupplier cancelled);
    }

    private void answer(Asking asking) {
        Interruption interruption = Interruption.ofConversation(() -> say(STOPPING));
        // Until the next prompt was read: a Ctrl-C that comes just after the answer was meant for it, and not to leave.
        terminal.handle(Terminal.Signal.INT, signal -> interruption.interrupt());
        try (interruption) {
            asking.run(this::sayAnswer, interruption);
            say("\n\n" + (stats ? answerer.stats() : answerer.line()));
        } catch (RuntimeException | VirtualMachineError e) { // the next answer may need less memory
            say("\nmoetier: " + remedy.sentence(e));
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
