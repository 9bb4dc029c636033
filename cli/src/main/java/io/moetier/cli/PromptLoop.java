package io.moetier.cli;

import java.nio.file.Path;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jspecify.annotations.Nullable;

/// Reads prompts from a terminal and prints the answers, until the user leaves.
///
/// A line that ends in a backslash goes on in the next one; three quotes begin and end a text of several lines. Ctrl-C
/// stops the answer, Ctrl-D leaves.
final class PromptLoop {
    private static final String PROMPT = ">>> ";
    private static final String CONTINUED = "... ";
    private static final String QUOTES = "\"\"\"";
    private static final String STOPPING = "\n(stopping after this layer; Ctrl-C again leaves)\n";
    private static final String HELP = """
            /clear     forget the conversation
            /stats     figures of the last answer
            /help      this list
            /bye       leave, as Ctrl-D does
            \\          at the end of a line: go on in the next line
            \"""        begins and ends a text of several lines
            Ctrl-C     stops the answer
            """;

    private final Terminal terminal;
    private final Answerer answerer;
    private final boolean stats;
    private final LineReader reader;

    /// Talks over `terminal`, which stays open, and keeps what is typed in `historyFile`.
    ///
    /// @param stats whether the figures after an answer are the table or a line
    PromptLoop(Terminal terminal, Path historyFile, Answerer answerer, boolean stats) {
        this.terminal = terminal;
        this.answerer = answerer;
        this.stats = stats;
        // Prompts are prose: no quoting, no escapes, no `!` expansion.
        DefaultParser parser = new DefaultParser();
        parser.setEscapeChars(new char[0]);
        parser.setQuoteChars(new char[0]);
        this.reader = LineReaderBuilder.builder()
                .terminal(terminal)
                .appName("moetier")
                .parser(parser)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .variable(LineReader.HISTORY_FILE, historyFile)
                .build();
    }

    /// Runs until `/bye` or the end of the input.
    void run() {
        say("/help lists the commands, Ctrl-D leaves\n");
        while (true) {
            String text;
            try {
                text = readPrompt();
            } catch (UserInterruptException e) {
                if (e.getPartialLine() == null || e.getPartialLine().isEmpty()) {
                    say("Ctrl-D or /bye leaves\n");
                }
                continue;
            } catch (EndOfFileException e) {
                return;
            }
            switch (text.strip()) {
                case "" -> {}
                case "/bye", "/exit", "/quit" -> {
                    return;
                }
                case "/help", "/?" -> say(HELP);
                case "/clear" -> {
                    answerer.reset();
                    say("the conversation is forgotten\n");
                }
                case "/stats" -> say(answerer.stats() + "\n");
                default -> {
                    if (text.startsWith("/") && !text.strip().contains(" ") && text.indexOf('/', 1) < 0) {
                        say("no such command: " + text.strip() + "; /help lists them\n");
                    } else {
                        answer(text);
                    }
                }
            }
        }
    }

    private String readPrompt() {
        String line = reader.readLine(PROMPT);
        if (line.stripLeading().startsWith(QUOTES)) {
            return readBlock(line.stripLeading().substring(QUOTES.length()));
        }
        StringBuilder text = new StringBuilder();
        while (line.endsWith("\\")) {
            text.append(line, 0, line.length() - 1).append('\n');
            line = reader.readLine(CONTINUED);
        }
        return text.append(line).toString();
    }

    private String readBlock(String first) {
        StringBuilder text = new StringBuilder();
        @Nullable String line = first;
        while (!line.stripTrailing().endsWith(QUOTES)) {
            text.append(line).append('\n');
            line = reader.readLine(CONTINUED);
        }
        String last = line.stripTrailing();
        return text.append(last, 0, last.length() - QUOTES.length()).toString().strip();
    }

    private void answer(String text) {
        Interruption interruption = Interruption.ofConversation(() -> say(STOPPING));
        Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> interruption.interrupt());
        try (interruption) {
            answerer.answer(text, this::sayAnswer, interruption);
            say("\n\n" + (stats ? answerer.stats() : answerer.line()));
        } catch (RuntimeException | VirtualMachineError e) { // the next answer may need less memory
            say("\nmoetier: " + Failure.of(e).sentence());
        } finally {
            terminal.handle(Terminal.Signal.INT, before);
        }
        say("\n");
    }

    private void say(String text) {
        print(TerminalText.escape(text));
    }

    private void sayAnswer(String piece) {
        print(TerminalText.escapeAnswer(piece));
    }

    private void print(String text) {
        terminal.writer().print(text);
        terminal.writer().flush();
    }
}
