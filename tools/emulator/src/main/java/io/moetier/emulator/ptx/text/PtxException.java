package io.moetier.emulator.ptx.text;

/// A PTX text that cannot be read, or that uses what the interpreter does not know.
public final class PtxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int line;

    /// @param line counted from 1
    /// @param text the statement as it stands in the file
    PtxException(int line, String text, String reason) {
        super("PTX line " + line + ": " + reason + ": " + text);
        this.line = line;
    }

    public int line() {
        return line;
    }
}
