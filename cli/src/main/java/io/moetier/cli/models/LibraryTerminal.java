package io.moetier.cli.models;

import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.HubVariables;
import io.moetier.cli.terminal.Progress;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.hub.PullListener;
import io.moetier.runtime.library.CacheFolder;
import io.moetier.runtime.library.LibraryListener;
import io.moetier.runtime.library.ModelFinder;
import io.moetier.runtime.library.Stores;
import io.moetier.storage.platform.Platform;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;

/// The library of models on a terminal: notes are lines, an import shows how far it is, and somebody who sits there is
/// asked.
public final class LibraryTerminal implements LibraryListener, PullListener {
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

    /// Returns the path of a model, which may be a name of the hub's or of another program's; what is not there yet is
    /// downloaded.
    public static Path located(Path model, Surroundings surroundings, Streams streams) {
        return ModelFinder.isName(model) ? finder(surroundings, streams).find(model) : model;
    }

    /// Returns the same.
    ///
    /// @param wanted checks the path of the model, which may throw, before anything is downloaded
    public static Path located(Path model, Consumer<Path> wanted, Surroundings surroundings, Streams streams) {
        Path path = ModelFinder.isName(model) ? finder(surroundings, streams).find(model, wanted) : model;
        wanted.accept(path);
        return path;
    }

    /// Returns what finds models by names.
    public static ModelFinder finder(Surroundings surroundings, Streams streams) {
        HubVariables variables = new HubVariables(surroundings);
        return new ModelFinder(
                variables.places(),
                variables.settings(),
                surroundings.cacheDirectory(),
                Platform.temporaryFiles(),
                new LibraryTerminal(surroundings, streams));
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
    public Look looking() {
        return CleanStop.open()::close;
    }

    @Override
    public Import importing(long totalBytes) {
        return shown("import", totalBytes);
    }

    @Override
    public Download downloading(long totalBytes) {
        return shown("pull", totalBytes);
    }

    private Shown shown(String verb, long totalBytes) {
        return new Shown(
                CleanStop.open(),
                new Progress(streams.err(), verb, surroundings.errorIsTerminal(), System::nanoTime),
                totalBytes);
    }

    /// What takes long, which is shown and may be stopped.
    private record Shown(CleanStop stop, Progress progress, long totalBytes) implements Import, Download {
        @Override
        public void update(long doneBytes) {
            progress.update(doneBytes, totalBytes);
        }

        @Override
        public void close() {
            progress.close();
            stop.close();
        }
    }
}
