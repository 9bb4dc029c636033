package io.moetier.runtime.library;

import io.moetier.runtime.hub.Hub;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubPull;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.hub.HubSettings;
import io.moetier.runtime.hub.PullListener;
import io.moetier.runtime.hub.StandIns;
import io.moetier.storage.memory.ByteSize;
import java.io.FileNotFoundException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// Finds models by names that are no paths: `hf:` of the hub's, downloaded unless it is somewhere already, `lmstudio:`
/// and `ollama:` of other programs, whose files are used where they lie.
public final class ModelFinder {
    private static final String OLLAMA = "ollama:";
    private static final String LM_STUDIO = "lmstudio:";

    private final ModelPlaces places;
    private final HubSettings settings;
    private final Path cache;
    private final Path scratch;
    private final PullListener listener;

    /// @param cache where links are kept to files without a name of their own
    /// @param scratch where parts of the hub's files are while they are looked at
    public ModelFinder(ModelPlaces places, HubSettings settings, Path cache, Path scratch, PullListener listener) {
        this.places = places;
        this.settings = settings;
        this.cache = cache;
        this.scratch = scratch;
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
        return find(model, _ -> {});
    }

    /// Returns the same.
    ///
    /// @param wanted is told the path of a model of the hub's before it is downloaded; what it throws is thrown
    public Path find(Path model, Consumer<Path> wanted) {
        String name = model.toString();
        if (HubName.isNamed(name)) {
            return ofHub(HubName.parse(name), wanted);
        }
        if (name.startsWith(OLLAMA)) {
            return ofOllama(name.substring(OLLAMA.length()));
        }
        if (name.startsWith(LM_STUDIO)) {
            return places.ofLmStudio()
                    .find(name.substring(LM_STUDIO.length()))
                    .orElseThrow(
                            () -> missing(name + ": LM Studio has no such file in " + searched(places.lmStudio())));
        }
        return model;
    }

    /// Returns where the files are that a name of the hub's selects, downloaded if need be: the model that they are, or
    /// else their folder.
    public Path pull(HubName name) {
        return pulled(name, _ -> {}).path();
    }

    /// Returns the path of a model of the hub's that is there, whole, without asking the hub.
    public Optional<Path> there(HubName name) {
        return whole(name).flatMap(repository -> {
            HubSelection selection = HubSelection.of(repository);
            Path snapshot = places.hub().snapshot(name.repository(), repository.commit());
            Optional<Path> model = selection.model().map(snapshot::resolve);
            model.ifPresent(_ -> noteOnly(selection, true));
            return model;
        });
    }

    private Path ofHub(HubName name, Consumer<Path> wanted) {
        Optional<Path> fixed = name.isOfCommit() ? there(name) : Optional.empty();
        if (fixed.isPresent()) {
            return fixed.get();
        }
        Pulled pulled = pulled(name, wanted);
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

    private Pulled pulled(HubName name, Consumer<Path> wanted) {
        try (Hub hub = new Hub(settings, listener::note)) {
            HubRepository repository = repository(hub, name);
            HubSelection selection = HubSelection.of(repository);
            Path folder = places.hub().snapshot(name.repository(), repository.commit());
            selection.model().map(folder::resolve).ifPresent(wanted);
            noteOnly(selection, settings.offline());
            HubPull pull = new HubPull(hub, places.hub(), listener);
            if (!pull.isThere(repository, selection.files())) {
                Optional<Path> elsewhere = elsewhere(repository, selection);
                if (elsewhere.isPresent()) {
                    listener.note(name + " is used where it lies, as " + elsewhere.get());
                    return new Pulled(elsewhere.get(), true);
                }
                requireReadable(hub, repository, selection);
                listener.note("pulling " + name + ": " + files(selection) + ", " + ByteSize.format(selection.bytes())
                        + ", to " + places.hub().folder());
            }
            Path snapshot = pull.pull(repository, selection.files());
            Optional<Path> model = selection.model().map(snapshot::resolve);
            return new Pulled(model.orElse(snapshot), model.isPresent());
        }
    }

    /// Looks at a model before it is downloaded, if that can be done; else an import says what is wrong with it.
    private void requireReadable(Hub hub, HubRepository repository, HubSelection selection) {
        try {
            look(hub, repository, selection);
        } catch (UncheckedIOException e) {
            if (!Hub.isOfPartsAlone(e)) {
                throw e;
            }
        }
    }

    private void look(Hub hub, HubRepository repository, HubSelection selection) {
        HubCheckpoint.requireReadable(hub, repository, selection);
        HubGguf.of(selection).ifPresent(model -> {
            try (PullListener.Look _ = listener.looking();
                    StandIns files = StandIns.open(hub, repository, scratch)) {
                model.requireReadable(files);
            }
        });
    }

    /// Notes what was taken without being named. The hub may have more models than are here.
    private void noteOnly(HubSelection selection, boolean isOfWhatIsHere) {
        selection
                .only()
                .ifPresent(taken ->
                        listener.note(taken + ", the only model " + (isOfWhatIsHere ? "of it that is here" : "there")));
    }

    private static String files(HubSelection selection) {
        int files = selection.files().size();
        return files == 1 ? selection.files().getFirst().path() : files + " files";
    }

    /// Asks the hub; if it cannot be reached, what it said last time is still true of what is there.
    private HubRepository repository(Hub hub, HubName name) {
        if (settings.offline()) {
            return offline(name);
        }
        Optional<HubRepository> before = whole(name);
        if (before.isEmpty()) {
            return hub.repository(name);
        }
        try {
            return hub.repositoryNow(name);
        } catch (UncheckedIOException e) {
            if (!Hub.isUnreachable(e)) {
                throw e;
            }
            listener.note(e.getMessage() + "; taking what is there of " + name);
            return before.get();
        }
    }

    private HubRepository offline(HubName name) {
        String notAsked = ", and the hub is not asked, as HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE says";
        HubRepository there = places.hub()
                .find(name)
                .orElseThrow(() -> missing(name + " is not in " + places.hub().folder() + notAsked));
        places.hub().missing(there, HubSelection.of(there)).ifPresent(file -> {
            throw missing(name + ": " + file + " is not in " + places.hub().folder() + notAsked);
        });
        return there;
    }

    /// Returns what is there of a repository, if that has all of what the name selects.
    private Optional<HubRepository> whole(HubName name) {
        try {
            return places.hub()
                    .find(name)
                    .filter(there ->
                            places.hub().missing(there, HubSelection.of(there)).isEmpty());
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // of what is there it selects nothing
        }
    }

    /// Returns the model among the files of other programs: with the same names and lengths, or the same content.
    private Optional<Path> elsewhere(HubRepository repository, HubSelection selection) {
        Optional<String> opened = selection.model();
        if (opened.isEmpty() || !opened.get().endsWith(".gguf")) {
            return Optional.empty();
        }
        Optional<Path> lmStudio = repository.name().revision().isPresent()
                ? Optional.empty() // it does not say which it has
                : places.ofLmStudio().find(repository, selection).map(folder -> folder.resolve(opened.get()));
        if (lmStudio.isPresent() || selection.files().size() > 1) {
            return lmStudio;
        }
        return selection
                .files()
                .getFirst()
                .sha256()
                .flatMap(sha256 -> places.ofOllama()
                        .blob(sha256, selection.bytes())
                        .map(blob -> BlobLinks.link(
                                BlobLinks.ofHub(cache, repository.name().repository(), opened.get()), blob)));
    }

    private Path ofOllama(String name) {
        OllamaModels.Found found = places.ofOllama()
                .find(name)
                .orElseThrow(
                        () -> missing(OLLAMA + name + ": Ollama has no such model in " + searched(places.ollama())));
        return BlobLinks.link(BlobLinks.ofOllama(cache, found.name()), found.blob());
    }

    /// Names folders; those that this user may not look into, as that of Ollama's service, may have what was not found.
    private static String searched(List<Path> folders) {
        return folders.stream()
                .map(folder -> folder
                        + ReadableFiles.whyClosed(folder)
                                .map(reason -> " (" + reason + ")")
                                .orElse(""))
                .collect(Collectors.joining(" or "));
    }

    private static UncheckedIOException missing(String sentence) {
        return new UncheckedIOException(sentence, new FileNotFoundException(sentence));
    }
}
