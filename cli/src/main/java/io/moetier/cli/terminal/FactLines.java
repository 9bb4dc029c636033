package io.moetier.cli.terminal;

import io.moetier.runtime.library.Tidying;

/// Facts that take time to find: prints each on a line of its own as soon as it is known, so that a process that is
/// killed has said what it knew, and at a terminal meanwhile what is being measured.
public final class FactLines implements AutoCloseable {
    private static final String CLEAR_LINE = "\r\u001b[K";
    private static final int NAME_WIDTH = 24; // of the longest

    private final Streams streams;
    private final boolean prints;
    private final boolean terminal;
    private boolean lineOpen;

    /// @param prints whether facts are printed as lines, and not another way at the end
    /// @param terminal whether the error stream understands a carriage return
    public FactLines(Streams streams, boolean prints, boolean terminal) {
        this.streams = streams;
        this.prints = prints;
        this.terminal = terminal;
    }

    /// Says what is being measured now.
    public void measuring(String what) {
        if (terminal) {
            print(CLEAR_LINE + "measuring " + TerminalText.escapeLine(what) + " ...");
            lineOpen = true;
        }
    }

    /// Prints a fact.
    public void row(String name, Object value) {
        close();
        if (prints) {
            String blanks = " ".repeat(Math.max(0, NAME_WIDTH - name.length()));
            streams.print(name + blanks + "  " + value + "\n");
        }
    }

    /// Returns what clears away leftovers, and says so between the lines.
    public Tidying tidying() {
        close();
        return new Tidying(streams::note);
    }

    /// Takes back what is being measured.
    @Override
    public void close() {
        if (lineOpen) {
            print(CLEAR_LINE);
            lineOpen = false;
        }
    }

    private void print(String text) {
        streams.err().print(text);
        streams.err().flush();
    }
}
