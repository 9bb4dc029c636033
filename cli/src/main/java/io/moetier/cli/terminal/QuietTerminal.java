package io.moetier.cli.terminal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jline.reader.impl.LineReaderImpl;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Terminal;
import org.jline.utils.InfoCmp.Capability;

/// While it is open, a terminal shows nothing of what is typed and keeps it for whoever reads next, key by key.
///
/// Ctrl-Z gives the terminal back as it was, stops the process, and goes on when the shell says so. What was typed
/// before is kept here meanwhile, for it is not meant for the shell. What stops the process is an argument, as tests
/// go on.
public final class QuietTerminal implements AutoCloseable {
    private final Terminal terminal;
    private final InputStream keys;
    private final BooleanSupplier reading;
    private final Runnable stop;
    private final Attributes before;
    private final Attributes quiet;
    private final Terminal.SignalHandler suspendBefore;
    private final Terminal.SignalHandler continueBefore;
    private final AtomicBoolean suspended = new AtomicBoolean();
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream(); // synchronized by itself

    /// @param keys what `terminal` reads
    /// @param reading whether a line is being read now, which the reader draws again itself
    /// @param stop stops the process until it is told to go on
    public QuietTerminal(Terminal terminal, InputStream keys, BooleanSupplier reading, Runnable stop) {
        this.terminal = terminal;
        this.keys = keys;
        this.reading = reading;
        this.stop = stop;
        before = terminal.getAttributes();
        quiet = new Attributes(before);
        quiet.setLocalFlag(LocalFlag.ECHO, false);
        quiet.setLocalFlag(LocalFlag.ICANON, false); // else the kernel keeps one line of 4,095 bytes and edits it
        quiet.setLocalFlag(LocalFlag.NOFLSH, true); // Ctrl-C and Ctrl-Z leave what was typed before them
        terminal.setAttributes(quiet);
        suspendBefore = terminal.handle(Terminal.Signal.TSTP, this::suspend);
        continueBefore = terminal.handle(Terminal.Signal.CONT, signal -> terminal.setAttributes(quiet));
    }

    /// Stops this process and those started with it, as the terminal does where Ctrl-Z is left to it.
    public static void stopProcessGroup() {
        try {
            new ProcessBuilder("sh", "-c", "kill -TSTP 0").start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Returns what was typed before a suspension and hands it out no more.
    public String takeKept() {
        synchronized (kept) {
            String typed = kept.toString(StandardCharsets.UTF_8);
            kept.reset();
            return typed;
        }
    }

    @Override
    public void close() {
        terminal.handle(Terminal.Signal.TSTP, suspendBefore);
        terminal.handle(Terminal.Signal.CONT, continueBefore);
        terminal.setAttributes(before);
    }

    private void suspend(Terminal.Signal signal) {
        if (suspended.getAndSet(true)) {
            return;
        }
        Attributes now = terminal.getAttributes();
        try {
            giveBack();
            terminal.handle(Terminal.Signal.TSTP, Terminal.SignalHandler.SIG_DFL);
            stop.run();
        } finally {
            terminal.handle(Terminal.Signal.TSTP, this::suspend);
            terminal.setAttributes(now);
            suspended.set(false);
        }
        if (reading.getAsBoolean()) {
            terminal.writer().write(LineReaderImpl.BRACKETED_PASTE_ON);
            terminal.flush();
        }
    }

    private void giveBack() {
        if (reading.getAsBoolean()) {
            terminal.puts(Capability.keypad_local);
            terminal.writer().write(LineReaderImpl.BRACKETED_PASTE_OFF);
            terminal.flush();
        } else {
            keep();
        }
        terminal.setAttributes(before);
    }

    private void keep() {
        try {
            kept.write(keys.readNBytes(keys.available()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
