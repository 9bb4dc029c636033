package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubCache;
import io.moetier.runtime.hub.HubFile;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.library.LocalModel.Form;
import io.moetier.runtime.library.LocalModel.Label;
import io.moetier.runtime.library.LocalModel.Owner;
import io.moetier.storage.file.FileTree;
import io.moetier.storage.file.Leftovers;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The models on this machine: which there are, and how they go.
public final class LocalModels {
    private static final String MAIN = "main";

    private final ModelPlaces places;
    private final Path cache;

    /// @param cache the folder of stores
    public LocalModels(ModelPlaces places, Path cache) {
        this.places = places;
        this.cache = cache;
    }

    /// Returns all that are there: of the hub, of other programs, and stores of which the model is none of these.
    public List<LocalModel> all() {
        return all(_ -> {});
    }

    /// Returns the same.
    ///
    /// @param missed is told of what could not be looked into
    public List<LocalModel> all(Consumer<String> missed) {
        List<LocalModel> all = new ArrayList<>();
        for (String repository : places.hub().repositories()) {
            try {
                addHub(repository, all);
            } catch (UncheckedIOException e) {
                String reason = IoFailure.sentence(Objects.requireNonNull(e.getCause()));
                missed.accept("hf:" + repository + " cannot be listed: " + reason);
            }
        }
        Stream.of(places.lmStudio(), places.ollama())
                .flatMap(List::stream)
                .forEach(folder -> ReadableFiles.whyClosed(folder)
                        .ifPresent(reason -> missed.accept("models in " + folder + " cannot be listed: " + reason)));
        places.ofLmStudio()
                .all()
                .forEach(found -> all.add(foreign(
                        Label.of("lmstudio:" + found.name(), Owner.LM_STUDIO),
                        found.file(),
                        found.file(),
                        found.bytes())));
        places.ofOllama().all().forEach(found -> {
            Path link = BlobLinks.ofOllama(cache, found.name());
            all.add(foreign(Label.of("ollama:" + found.name(), Owner.OLLAMA), found.blob(), link, found.bytes()));
        });
        Set<Path> known = new HashSet<>();
        all.forEach(model -> known.addAll(model.stores()));
        storesUnder(cache)
                .filter(store -> !known.contains(store))
                .map(LocalModels::ofStore)
                .forEach(all::add);
        return all;
    }

    private void addHub(String repository, List<LocalModel> all) {
        HubCache hub = places.hub();
        for (String commit : hub.commits(repository)) {
            List<String> revisions = hub.revisions(repository, commit);
            Optional<String> revision = revisions.contains(MAIN)
                    ? Optional.empty()
                    : Optional.of(revisions.stream().findFirst().orElse(commit));
            Path snapshot = hub.snapshot(repository, commit);
            hub.find(new HubName(repository, revision, Optional.empty())).ifPresent(found -> {
                models(found).forEach((name, selection) -> all.add(ofHub(name, selection, snapshot)));
                List<HubFile> others = others(found);
                if (!others.isEmpty()) {
                    long bytes = others.stream().mapToLong(HubFile::bytes).sum();
                    all.add(ofHub(found.name(), Form.OTHERS, snapshot, bytes));
                }
            });
        }
        unfinishedBytes(repository)
                .ifPresent(bytes -> all.add(ofHub(
                        new HubName(repository, Optional.empty(), Optional.empty()),
                        Form.UNFINISHED,
                        hub.folder(repository),
                        bytes)));
    }

    /// Returns the models of a commit of which nothing is missing.
    private Map<HubName, HubSelection> models(HubRepository repository) {
        Map<HubName, HubSelection> models = new LinkedHashMap<>(HubSelection.each(repository));
        models.values()
                .removeIf(model -> places.hub().missing(repository, model).isPresent());
        return models;
    }

    /// Returns the files of a commit that are of no model.
    private List<HubFile> others(HubRepository repository) {
        List<HubFile> others = new ArrayList<>(repository.files());
        models(repository).values().forEach(model -> others.removeAll(model.files()));
        return others;
    }

    private static LocalModel ofHub(HubName name, Form form, Path folder, long bytes) {
        return new LocalModel(Label.of(name), form, folder, bytes, modified(folder), List.of());
    }

    private OptionalLong unfinishedBytes(String repository) {
        try {
            return places.hub().unfinishedBytes(repository);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private LocalModel ofHub(HubName name, HubSelection selection, Path snapshot) {
        Path path = snapshot.resolve(selection.model().orElse(""));
        Path weights = snapshot.resolve(selection.files().getLast().path());
        List<Path> stores = stores(path);
        return new LocalModel(Label.of(name), form(weights), path, selection.bytes(), lastUse(weights, stores), stores);
    }

    private LocalModel foreign(Label label, Path file, Path opened, long bytes) {
        List<Path> stores = stores(opened);
        return new LocalModel(label, Form.GGUF, file, bytes, lastUse(file, stores), stores);
    }

    private static LocalModel ofStore(Path store) {
        Path folder = UnfinishedFile.folderOf(store);
        return new LocalModel(
                Label.of(String.valueOf(folder.getFileName()), Owner.MOETIER),
                Form.STORE,
                store,
                Leftovers.bytes(store),
                modified(folder),
                List.of(store));
    }

    private static Form form(Path file) {
        return file.toString().endsWith(".gguf") ? Form.GGUF : Form.SAFETENSORS;
    }

    private static Instant lastUse(Path file, List<Path> stores) {
        Instant ofStore = stores.stream()
                .map(path -> modified(UnfinishedFile.folderOf(path)))
                .max(Comparator.naturalOrder())
                .orElse(Instant.EPOCH);
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Instant ofFile = attributes.lastAccessTime().toInstant();
            return ofFile.isAfter(ofStore) ? ofFile : ofStore;
        } catch (IOException e) {
            return ofStore;
        }
    }

    private static Instant modified(Path path) {
        try {
            return Files.getLastModifiedTime(path).toInstant();
        } catch (IOException e) {
            return Instant.EPOCH;
        }
    }

    /// Returns the stores of a model, be they of what the model is now or was before.
    private List<Path> stores(Path model) {
        if (!Files.exists(model)) {
            return List.of();
        }
        Path alone = Stores.folder(cache, model, Optional.empty(), false);
        Path withMtp = Stores.folder(cache, model, Optional.empty(), true);
        String name = String.valueOf(alone.getFileName());
        String anyDigest = name.substring(0, name.lastIndexOf('-') + 1);
        return storesUnder(cache)
                .filter(store -> {
                    Path folder = UnfinishedFile.folderOf(store);
                    return folder.equals(alone)
                            || folder.equals(withMtp)
                            || (String.valueOf(folder.getFileName()).startsWith(anyDigest)
                                    && Stores.isWithTower(store, model));
                })
                .toList();
    }

    static Stream<Path> storesUnder(Path cache) {
        return children(cache)
                .filter(folder -> Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS))
                .flatMap(LocalModels::storesIn);
    }

    private static Stream<Path> storesIn(Path folder) {
        return children(folder)
                .filter(path -> path.toString().endsWith(Stores.SUFFIX))
                .filter(path -> !String.valueOf(path.getFileName()).startsWith("."));
    }

    /// Returns what is in a folder, as far as this user may look: a cache may be open to others.
    private static Stream<Path> children(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Stream.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList().stream();
        } catch (AccessDeniedException e) {
            return Stream.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Sees that nobody downloads what is to go.
    ///
    /// @throws UncheckedIOException if somebody does
    public void requireIdle(LocalModel model) {
        try {
            if (model.label().onHub().isPresent()) {
                places.hub().requireIdle(model.label().onHub().get().repository());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(IoFailure.sentence(e), e);
        }
    }

    /// Removes a model and its stores.
    ///
    /// @throws IllegalArgumentException if it belongs to another program
    /// @throws UncheckedIOException as [#requireIdle]
    public void remove(LocalModel model) {
        try {
            switch (model.owner()) {
                case HUB -> removeFromHub(model.label().onHub().orElseThrow(), model);
                case MOETIER -> {}
                case LM_STUDIO, OLLAMA ->
                    throw new IllegalArgumentException(model.name() + " belongs to another program");
            }
            for (Path store : model.stores()) {
                FileTree.delete(store);
                Stores.removeIfEmpty(UnfinishedFile.folderOf(store));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(IoFailure.sentence(e), e);
        }
    }

    private void removeFromHub(HubName name, LocalModel model) throws IOException {
        HubCache hub = places.hub();
        if (model.form() == Form.UNFINISHED) {
            hub.removeUnfinished(name.repository());
            return;
        }
        HubRepository repository = hub.find(name).orElseThrow(() -> new FileNotFoundException(name + ": not there"));
        hub.remove(
                repository,
                model.form() == Form.OTHERS
                        ? others(repository)
                        : HubSelection.of(repository).files());
    }
}
