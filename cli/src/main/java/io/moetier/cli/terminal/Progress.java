package io.moetier.cli.terminal;

import io.moetier.storage.memory.ByteSize;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.LongSupplier;

/// Shows how far work has come that is counted in bytes or tokens: one line rewritten in place on a terminal, else a
/// line for every tenth, at most one a second.
///
/// Not thread-safe.
public final class Progress implements AutoCloseable {
    private static final long REDRAW_NANOS = 100_000_000;
    private static final long LINE_NANOS = 1_000_000_000;
    private static final int BAR = 24;
    private static final String CLEAR_LINE = "\r\u001b[K";
    private static final String CUT_LINES = "\u001b[?7l"; // what goes beyond the last column of a terminal
    private static final String WRAP_LINES = "\u001b[?7h";

    private final PrintWriter err;
    private final String verb;
    private final boolean terminal;
    private final LongSupplier nanoTime;
    private final DoubleFunction<String> amount;
    private final long begin;
    private long lastDrawn;
    private long lastTenth;
    private boolean lineOpen;

    /// Shows on `err` lines that begin with `verb`; `terminal` says whether `err` understands a carriage return.
    public Progress(PrintWriter err, String verb, boolean terminal, LongSupplier nanoTime) {
        this(err, verb, terminal, nanoTime, ByteSize::format);
    }

    private Progress(
            PrintWriter err, String verb, boolean terminal, LongSupplier nanoTime, DoubleFunction<String> amount) {
        this.err = err;
        this.verb = verb;
        this.terminal = terminal;
        this.nanoTime = nanoTime;
        this.amount = amount;
        this.begin = nanoTime.getAsLong();
        this.lastDrawn = begin;
    }

    /// Shows the same of work that is counted in tokens.
    public static Progress ofTokens(PrintWriter err, String verb, boolean terminal, LongSupplier nanoTime) {
        return new Progress(err, verb, terminal, nanoTime, tokens -> String.format(Locale.ROOT, "%.0f tokens", tokens));
    }

    /// Shows that `done` of `total` are through.
    public void update(long done, long total) {
        long now = nanoTime.getAsLong();
        if (terminal) {
            if (!lineOpen || now - lastDrawn >= REDRAW_NANOS || done >= total) {
                lastDrawn = now;
                lineOpen = true;
                // in one row, as only that is cleared; the terminal knows best how wide it is now
                print(CLEAR_LINE + CUT_LINES + bar(done, total) + " " + line(done, total, now - begin) + WRAP_LINES);
            }
        } else if (isNewTenth(done, total) && (done >= total || now - lastDrawn >= LINE_NANOS)) {
            lastTenth = tenth(done, total);
            lastDrawn = now;
            print(line(done, total, now - begin) + "\n");
        }
    }

    /// Ends the line that is rewritten in place.
    @Override
    public void close() {
        if (lineOpen) {
            print("\n");
            lineOpen = false;
        }
    }

    private boolean isNewTenth(long done, long total) {
        return tenth(done, total) > lastTenth;
    }

    private static long tenth(long done, long total) {
        return total == 0 ? 10 : done * 10 / total;
    }

    private void print(String text) {
        err.print(text);
        err.flush();
    }

    private String line(long done, long total, long nanos) {
        double perSecond = done / Math.max(nanos / 1e9, 1e-9);
        String end = done >= total
                ? String.format(Locale.ROOT, "%.1f s", nanos / 1e9)
                : perSecond > 0 ? seconds((total - done) / perSecond) + " left" : "";
        return String.format(
                Locale.ROOT,
                "%s %3d %% of %s, %s/s, %s",
                verb,
                total == 0 ? 100 : done * 100 / total,
                amount.apply((double) total),
                amount.apply(perSecond),
                end);
    }

    private static String bar(long done, long total) {
        int full = total == 0 ? BAR : (int) (done * BAR / total);
        return "[" + "#".repeat(full) + ".".repeat(BAR - full) + "]";
    }

    private static String seconds(double seconds) {
        long whole = (long) Math.ceil(seconds);
        return whole < 60
                ? whole + " s"
                : whole < 3600
                        ? whole / 60 + " min " + whole % 60 + " s"
                        : whole / 3600 + " h " + whole / 60 % 60 + " min";
    }
}
