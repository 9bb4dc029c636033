package io.moetier.runtime.library;

import io.moetier.runtime.hub.Hub;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubPull;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.hub.HubSettings;
import io.moetier.runtime.hub.PullListener;
import io.moetier.storage.memory.ByteSize;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Finds models by names that are no paths: `hf:` of the hub's, downloaded unless it is somewhere already, `lmstudio:`
/// and `ollama:` of other programs, whose files are used where they lie.
public final class ModelFinder {
    private static final String OLLAMA = "ollama:";
    private static final String LM_STUDIO = "lmstudio:";

    private final ModelPlaces places;
    private final HubSettings settings;
    private final Path cache;
    private final PullListener listener;

    /// @param cache where links are kept to files without a name of their own
    public ModelFinder(ModelPlaces places, HubSettings settings, Path cache, PullListener listener) {
        this.places = places;
        this.settings = settings;
        this.cache = cache;
        this.listener = listener;
    }

    /// Says whether `model` is such a name.
    public static boolean isName(Path model) {
        String name = model.toString();
        return HubName.isNamed(name) || name.startsWith(OLLAMA) || name.startsWith(LM_STUDIO);
    }

    /// Returns the path of a model: `model` itself unless it is such a name.
    ///
    /// @throws IllegalArgumentException if it is no name after all, or means no single model
    /// @throws UncheckedIOException if it is not there, and cannot be had
    public Path find(Path model) {
        String name = model.toString();
        if (HubName.isNamed(name)) {
            return ofHub(HubName.parse(name));
        }
        if (name.startsWith(OLLAMA)) {
            return ofOllama(name.substring(OLLAMA.length()));
        }
        if (name.startsWith(LM_STUDIO)) {
            return places.ofLmStudio()
                    .find(name.substring(LM_STUDIO.length()))
                    .orElseThrow(() -> missing(name + ": LM Studio has no such file in " + places.lmStudio()));
        }
        return model;
    }

    /// Returns where the files are that a name of the hub's selects, downloaded if need be: the model that they are, or
    /// else their folder.
    public Path pull(HubName name) {
        return pulled(name).path();
    }

    private Path ofHub(HubName name) {
        Pulled pulled = pulled(name);
        if (!pulled.isModel()) {
            throw new IllegalArgumentException(
                    name + " is no model, or more than one; the files are in " + pulled.path());
        }
        return pulled.path();
    }

    /// What has been pulled.
    ///
    /// @param isModel whether the path is that of one model
    private record Pulled(Path path, boolean isModel) {}

    private Pulled pulled(HubName name) {
        try (Hub hub = new Hub(settings, listener::note)) {
            HubRepository repository = repository(hub, name);
            HubSelection selection = HubSelection.of(repository);
            selection.why().ifPresent(listener::note);
            Optional<Path> elsewhere = elsewhere(repository, selection);
            if (elsewhere.isPresent()) {
                listener.note(name + " is used where it lies, as " + elsewhere.get());
                return new Pulled(elsewhere.get(), true);
            }
            HubPull pull = new HubPull(hub, places.hub(), listener);
            if (!pull.isThere(repository, selection.files())) {
                listener.note("pulling " + name + ": " + files(selection) + ", " + ByteSize.format(selection.bytes())
                        + ", to " + places.hub().folder());
            }
            Path snapshot = pull.pull(repository, selection.files());
            Optional<Path> model = selection.model().map(snapshot::resolve);
            return new Pulled(model.orElse(snapshot), model.isPresent());
        }
    }

    private static String files(HubSelection selection) {
        int files = selection.files().size();
        return files == 1 ? selection.files().getFirst().path() : files + " files";
    }

    /// Asks the hub; if it cannot be reached, what it said last time is still true of what is there.
    private HubRepository repository(Hub hub, HubName name) {
        Optional<HubRepository> before = places.hub().find(name);
        if (settings.offline()) {
            return before.orElseThrow(() -> missing(name + " is not in "
                    + places.hub().folder() + ", and the hub is not asked, as HF_HUB_OFFLINE says"));
        }
        try {
            return hub.repository(name);
        } catch (UncheckedIOException e) {
            if (before.isEmpty() || !Hub.isUnreachable(e)) {
                throw e;
            }
            listener.note(e.getMessage() + "; taking what is there of " + name);
            return before.get();
        }
    }

    /// Returns the model among the files of other programs: with the same names and lengths, or the same content.
    private Optional<Path> elsewhere(HubRepository repository, HubSelection selection) {
        Optional<String> opened = selection.model();
        if (opened.isEmpty() || !opened.get().endsWith(".gguf")) {
            return Optional.empty();
        }
        Optional<Path> lmStudio =
                places.ofLmStudio().find(repository, selection).map(folder -> folder.resolve(opened.get()));
        if (lmStudio.isPresent() || selection.files().size() > 1) {
            return lmStudio;
        }
        return selection
                .files()
                .getFirst()
                .sha256()
                .flatMap(sha256 -> places.ofOllama()
                        .blob(sha256, selection.bytes())
                        .map(blob -> linked(selection.files().getFirst().name(), blob)));
    }

    private Path ofOllama(String name) {
        OllamaModels.Found found = places.ofOllama()
                .find(name)
                .orElseThrow(() -> missing(OLLAMA + name + ": Ollama has no such model in " + places.ollama()));
        return linked(OllamaModels.fileName(found.name()), found.blob());
    }

    /// Returns a link to a blob of Ollama's, whose own name says neither what it is nor of what kind.
    private Path linked(String name, Path blob) {
        Path link = cache.resolve("ollama").resolve(name);
        try {
            if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(blob.toAbsolutePath())) {
                return link;
            }
            Files.createDirectories(link.resolveSibling(""));
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, blob.toAbsolutePath());
            return link;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static UncheckedIOException missing(String sentence) {
        return new UncheckedIOException(sentence, new FileNotFoundException(sentence));
    }
}
