package io.moetier.cli.models;

import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Progress;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.library.CacheFolder;
import io.moetier.runtime.library.LibraryListener;
import io.moetier.runtime.library.Stores;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// The library of models on a terminal: notes are lines, an import shows how far it is, and somebody who sits there is
/// asked.
public final class LibraryTerminal implements LibraryListener {
    private final Surroundings surroundings;
    private final Streams streams;

    private LibraryTerminal(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// Returns the stores of this user's cache.
    public static Stores stores(Surroundings surroundings, Streams streams) {
        CacheFolder cache = new CacheFolder(surroundings.cacheDirectory(), "MOETIER_CACHE names another directory");
        return new Stores(cache, new LibraryTerminal(surroundings, streams));
    }

    @Override
    public void note(String line) {
        streams.note(line);
    }

    @Override
    public boolean agrees(String question) {
        return surroundings.inputIsTerminal() && surroundings.errorIsTerminal() && agrees(question, streams);
    }

    static boolean agrees(String question, Streams streams) {
        streams.ask(question + " [y/N] ");
        String answer = readLine(streams.in()).strip().toLowerCase(Locale.ROOT);
        return answer.equals("y") || answer.equals("yes");
    }

    /// Reads no further than the line's end: what follows may be for the prompt.
    private static String readLine(InputStream in) {
        try {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
                line.write(next);
            }
            return line.toString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Import importing(long totalBytes) {
        CleanStop stop = CleanStop.open();
        Progress progress = new Progress(streams.err(), "import", surroundings.errorIsTerminal(), System::nanoTime);
        return new Import() {
            @Override
            public void update(long doneBytes) {
                progress.update(doneBytes, totalBytes);
            }

            @Override
            public void close() {
                progress.close();
                stop.close();
            }
        };
    }
}
