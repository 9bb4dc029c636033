package io.moetier.cli.run;

import io.moetier.cli.terminal.TypedText;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jline.reader.Buffer;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.Widget;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.LineReaderImpl;
import org.jline.reader.impl.history.DefaultHistory;
import org.jline.terminal.Terminal;

/// Reads texts of one or several lines from a terminal. Each is one entry of the history, and is edited as a whole.
final class PromptReader {
    private static final String PROMPT = ">>> ";
    private static final String CONTINUED = "... ";

    private final LineReader reader;
    private final Widget accept;

    /// Keeps what is typed in `historyFile`.
    PromptReader(Terminal terminal, Path historyFile, Completer completer) throws IOException {
        // Prompts are prose: no quoting, no escapes, no `!` expansion.
        DefaultParser parser = new DefaultParser();
        parser.setEscapeChars(new char[0]);
        parser.setQuoteChars(new char[0]);
        LineReaderImpl made = new PastingReader(terminal);
        made.setParser(parser);
        made.setCompleter(completer);
        made.setOpt(LineReader.Option.DISABLE_EVENT_EXPANSION);
        made.setVariable(LineReader.HISTORY_FILE, historyFile);
        made.setVariable(LineReader.SECONDARY_PROMPT_PATTERN, CONTINUED);
        made.setHistory(new DefaultHistory());
        reader = made;
        accept = Objects.requireNonNull(reader.getBuiltinWidgets().get(LineReader.ACCEPT_LINE));
        reader.getWidgets().put(LineReader.ACCEPT_LINE, this::acceptOrContinue);
    }

    /// Takes an end of a line of two characters in what is pasted as one; JLine takes each for one.
    private static final class PastingReader extends LineReaderImpl {
        PastingReader(Terminal terminal) throws IOException {
            super(terminal, "moetier");
        }

        @Override
        protected String doReadStringUntil(String end) {
            return super.doReadStringUntil(end).replace("\r\n", "\n");
        }
    }

    /// Returns the next text, as it was typed.
    ///
    /// @param before keys that were typed before those that the terminal has
    /// @throws org.jline.reader.UserInterruptException after Ctrl-C
    /// @throws org.jline.reader.EndOfFileException at the end of the input
    String read(String before) {
        if (!before.isEmpty()) {
            reader.runMacro(before);
        }
        return reader.readLine(PROMPT);
    }

    /// Says whether somebody is being waited for.
    boolean isReading() {
        return reader.isReading();
    }

    /// What Enter does. The backslash that asks for another line goes; one that was pasted before others stays.
    private boolean acceptOrContinue() {
        Buffer typed = reader.getBuffer();
        if (TypedText.isOpen(typed.toString())) {
            typed.write('\n');
            return true;
        }
        if (typed.length() > 0 && typed.atChar(typed.length() - 1) == '\\') {
            typed.cursor(typed.length());
            typed.backspace();
            typed.write('\n');
            return true;
        }
        return accept.apply();
    }
}
