package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubCache;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.library.LocalModel.Owner;
import io.moetier.storage.file.Leftovers;
import io.moetier.storage.file.UnfinishedFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
        List<LocalModel> all = new ArrayList<>();
        places.hub().repositories().forEach(repository -> addHub(repository, all));
        places.ofLmStudio()
                .all()
                .forEach(found ->
                        all.add(foreign("lmstudio:" + found.name(), Owner.LM_STUDIO, found.file(), found.file())));
        places.ofOllama().all().forEach(found -> {
            Path link = cache.resolve("ollama").resolve(OllamaModels.fileName(found.name()));
            all.add(foreign("ollama:" + found.name(), Owner.OLLAMA, found.blob(), link));
        });
        Set<Path> known = new HashSet<>();
        all.forEach(model -> model.store().ifPresent(known::add));
        stores().filter(store -> !known.contains(store))
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
            hub.find(new HubName(repository, revision, Optional.empty()))
                    .map(HubSelection::each)
                    .orElse(Map.of())
                    .forEach((name, selection) -> all.add(ofHub(name, selection, snapshot)));
        }
        long partial = unfinishedBytes(repository);
        if (partial > 0) {
            Path folder = hub.folder(repository);
            all.add(new LocalModel(
                    "hf:" + repository,
                    Owner.HUB,
                    "not all of it",
                    folder,
                    partial,
                    modified(folder.resolve("blobs")),
                    Optional.empty()));
        }
    }

    private long unfinishedBytes(String repository) {
        try {
            return places.hub().unfinishedBytes(repository);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private LocalModel ofHub(HubName name, HubSelection selection, Path snapshot) {
        Path path = snapshot.resolve(selection.model().orElse(""));
        Path weights = snapshot.resolve(selection.files().getLast().path());
        Optional<Path> store = store(path);
        return new LocalModel(
                name.toString(), Owner.HUB, form(weights), path, selection.bytes(), lastUse(weights, store), store);
    }

    private LocalModel foreign(String name, Owner owner, Path file, Path opened) {
        Optional<Path> store = store(opened);
        return new LocalModel(name, owner, "GGUF", file, file.toFile().length(), lastUse(file, store), store);
    }

    private static LocalModel ofStore(Path store) {
        Path folder = UnfinishedFile.folderOf(store);
        return new LocalModel(
                String.valueOf(folder.getFileName()),
                Owner.MOETIER,
                "store",
                store,
                Leftovers.bytes(store),
                modified(folder),
                Optional.of(store));
    }

    private static String form(Path file) {
        return file.toString().endsWith(".gguf") ? "GGUF" : "safetensors";
    }

    private static Instant lastUse(Path file, Optional<Path> store) {
        Instant ofStore =
                store.map(path -> modified(UnfinishedFile.folderOf(path))).orElse(Instant.EPOCH);
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

    /// Returns the store of a model, be it of what the model is now or was before.
    private Optional<Path> store(Path model) {
        return Files.exists(model)
                ? stores(Stores.folder(cache, model, Optional.empty(), false)).findFirst()
                : Optional.empty();
    }

    private Stream<Path> stores() {
        return children(cache)
                .filter(folder -> Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS))
                .flatMap(LocalModels::stores);
    }

    private static Stream<Path> stores(Path folder) {
        return children(folder)
                .filter(path -> path.toString().endsWith(Stores.SUFFIX))
                .filter(path -> !String.valueOf(path.getFileName()).startsWith("."));
    }

    private static Stream<Path> children(Path folder) {
        if (!Files.isDirectory(folder)) {
            return Stream.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Removes a model and its store.
    ///
    /// @throws IllegalArgumentException if it belongs to another program
    public void remove(LocalModel model) {
        try {
            switch (model.owner()) {
                case HUB -> removeFromHub(HubName.parse(model.name()), model);
                case MOETIER -> {}
                case LM_STUDIO, OLLAMA ->
                    throw new IllegalArgumentException(model.name() + " belongs to another program");
            }
            if (model.store().isPresent()) {
                Stores.remove(model.store().get());
                Stores.removeIfEmpty(UnfinishedFile.folderOf(model.store().get()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void removeFromHub(HubName name, LocalModel model) throws IOException {
        HubCache hub = places.hub();
        if (model.path().equals(hub.folder(name.repository()))) {
            hub.removeUnfinished(name.repository());
            return;
        }
        HubRepository repository = hub.find(name).orElseThrow(() -> new FileNotFoundException(name + ": not there"));
        hub.remove(repository, HubSelection.of(repository).files());
    }
}
