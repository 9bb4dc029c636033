package io.moetier.cli.run;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.LibraryLogs;
import java.io.IOException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;

/// Opens the terminal at which prompts are typed.
final class PromptTerminal {
    private PromptTerminal() {}

    /// Returns the terminal of this process, where Ctrl-C does what was said last to [Terminal#handle]; at first it
    /// [leaves][#leaveByCtrlC].
    static Terminal open() throws IOException {
        LibraryLogs.silence();
        // JLine asks the terminal about emoji otherwise, and drops what is typed before the answer.
        Terminal terminal = TerminalBuilder.builder()
                .system(true)
                .dumb(true)
                .graphemeCluster(false)
                .build();
        // JLine's dumb terminals hear of no signal of the system; the others take this over.
        Signals.register(Terminal.Signal.INT.name(), () -> terminal.raise(Terminal.Signal.INT));
        leaveByCtrlC(terminal);
        return terminal;
    }

    /// Has Ctrl-C end the program. JLine leaves it to the kernel otherwise, which ends the process without giving the
    /// terminal back.
    static void leaveByCtrlC(Terminal terminal) {
        terminal.handle(Terminal.Signal.INT, signal -> System.exit(Failure.INTERRUPTED));
    }
}
