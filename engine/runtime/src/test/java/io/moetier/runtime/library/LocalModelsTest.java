package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.hub.HubCache;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.library.LocalModel.Form;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalModelsTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir
    Path home = Path.of("");

    private Path cache = Path.of("");
    private Path repository = Path.of("");
    private LocalModels models = new LocalModels(places(), cache);

    @BeforeEach
    void begin() {
        cache = home.resolve("moetier");
        repository = home.resolve("hub/models--o--r");
        models = new LocalModels(places(), cache);
    }

    private ModelPlaces places() {
        return new ModelPlaces(
                new HubCache(home.resolve("hub")), List.of(home.resolve("lmstudio")), List.of(home.resolve("ollama")));
    }

    /// Puts a file where the hub's tools put it.
    private Path put(String name, String content) throws IOException {
        Path blob = repository.resolve("blobs").resolve("%040x".formatted(name.hashCode() & 0xFFFF_FFFFL));
        Path link = repository.resolve("snapshots").resolve(COMMIT).resolve(name);
        Path ref = repository.resolve("refs/main");
        for (Path file : List.of(blob, link, ref)) {
            Files.createDirectories(file.resolveSibling(""));
        }
        Files.writeString(blob, content);
        Files.writeString(ref, COMMIT);
        return Files.createSymbolicLink(link, link.resolveSibling("").relativize(blob));
    }

    @Test
    void allStoresOfAModelGo() throws IOException {
        Path model = put("a.gguf", "weights");
        Path alone = Stores.folder(cache, model, Optional.empty(), false);
        Path withMtp = Stores.folder(cache, model, Optional.empty(), true);
        Set<Path> stores = Set.of(alone.resolve("x.mtier"), withMtp.resolve("y.mtier"));
        for (Path store : stores) {
            Files.createDirectories(store);
        }
        LocalModel found = models.all().getFirst();
        assertEquals(1, models.all().size());
        assertEquals(stores, Set.copyOf(found.stores()));
        models.remove(found);
        assertFalse(Files.exists(alone));
        assertFalse(Files.exists(withMtp));
        assertEquals(List.of(), models.all());
    }

    @Test
    void whatCannotBeLookedIntoHidesNothingElse() throws IOException {
        put("a.gguf", "weights");
        Path blobs = home.resolve("hub/models--o--s/blobs");
        Files.createDirectories(blobs.resolveSibling(""));
        Files.createSymbolicLink(blobs, blobs); // refused to every user, root too
        Files.createSymbolicLink(home.resolve("ollama"), Path.of("ollama"));
        List<String> missed = new ArrayList<>();
        assertEquals(
                List.of("hf:o/r"),
                models.all(missed::add).stream().map(LocalModel::name).toList());
        String reason = ": Too many levels of symbolic links or unable to access attributes of symbolic link";
        assertEquals(
                List.of(
                        "hf:o/s cannot be listed: " + blobs + reason,
                        "models in " + home.resolve("ollama") + " cannot be listed" + reason),
                missed);
        assertEquals(1, models.all().size());
    }

    @Test
    void whatIsNoModelIsListedAndRemovedToo() throws IOException {
        put("README.md", "text");
        Path model = put("a.gguf", "weights");
        put("mmproj-a.gguf", "tower");
        List<LocalModel> all = models.all();
        assertEquals(
                List.of(Form.GGUF, Form.OTHERS),
                all.stream().map(LocalModel::form).toList());
        assertEquals(9, all.getLast().bytes());
        models.remove(all.getLast());
        assertTrue(Files.exists(model));
        models.remove(all.getFirst());
        assertFalse(Files.exists(repository));
    }

    @Test
    void aFileWithAnAtIsListedByItsNameAndRemovedToo() throws IOException {
        Path file = put("x@y.gguf", "weights");
        Path other = put("z.gguf", "others");
        LocalModel at = models.all().getFirst();
        HubRepository named = places().hub().find(HubName.parse(at.name())).orElseThrow();
        assertEquals(Optional.of(file), HubSelection.of(named).model().map(file::resolveSibling));
        models.requireIdle(at);
        models.remove(at);
        assertTrue(Files.exists(other));
        assertEquals(
                List.of("hf:o/r"), models.all().stream().map(LocalModel::name).toList());
    }

    @Test
    void aNameThatWouldBeAPatternRemovesNoOther() throws IOException {
        Path odd = put("a[1].gguf", "weights");
        Path other = put("a1.gguf", "others");
        LocalModel found = models.all().stream()
                .filter(model -> model.name().equals("hf:o/r:a[1].gguf"))
                .findFirst()
                .orElseThrow();
        models.remove(found);
        assertFalse(Files.exists(odd));
        assertTrue(Files.exists(other));
    }

    @Test
    void aFolderThatIsNoRepositorysIsListedAndRemovedToo() throws IOException {
        Path folder = home.resolve("hub/models--o--.x");
        Files.createDirectories(folder.resolve("blobs"));
        Files.writeString(folder.resolve("blobs").resolve(COMMIT), "nobody links to it");
        LocalModel left = models.all().getFirst();
        assertEquals(Form.UNFINISHED, left.form());
        models.requireIdle(left);
        models.remove(left);
        assertEquals(List.of(), models.all());
    }

    @Test
    void aCheckpointWithoutAllThatItsIndexNamesIsNoModel() throws IOException {
        put("config.json", "{}");
        put(
                "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"x-1.safetensors\", \"b\": \"x-2.safetensors\"}}");
        put("x-1.safetensors", "a");
        assertEquals(
                List.of(Form.OTHERS),
                models.all().stream().map(LocalModel::form).toList());
        put("x-2.safetensors", "b");
        assertEquals(
                List.of(Form.SAFETENSORS),
                models.all().stream().map(LocalModel::form).toList());
        assertTrue(places().hub().find(HubName.parse("hf:o/r")).isPresent());
    }

    @Test
    void oddFilesOfOtherProgramsAreNoModels() throws IOException {
        for (String text : List.of("{\"layers\": 3}", "{\"layers\": [{\"mediaType\": 7}]}", "[]", "")) {
            Path manifest = home.resolve("ollama/manifests/registry/library/" + text.hashCode() + "/latest");
            Files.createDirectories(manifest.resolveSibling(""));
            Files.writeString(manifest, text);
        }
        assertEquals(List.of(), models.all());
    }

    @Test
    void aModelInPartsTakesTheBytesOfAll() throws IOException {
        Path folder = Files.createDirectories(home.resolve("lmstudio/o/r"));
        Files.writeString(folder.resolve("a-00001-of-00002.gguf"), "12");
        Files.writeString(folder.resolve("a-00002-of-00002.gguf"), "345");
        Files.writeString(folder.resolve("a.gguf"), "6");
        assertEquals(
                List.of(5L, 1L), models.all().stream().map(LocalModel::bytes).toList());
    }

    @Test
    void aPortIsNoTag() throws IOException {
        String digest = "0".repeat(64);
        for (String file : List.of("manifests/localhost:5000/n/m/latest", "blobs/sha256-" + digest)) {
            Files.createDirectories(home.resolve("ollama").resolve(file).resolveSibling(""));
            Files.writeString(
                    home.resolve("ollama").resolve(file),
                    "{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:"
                            + digest + "\"}]}");
        }
        for (String name : List.of("localhost:5000/n/m", "localhost:5000/n/m:latest")) {
            assertEquals(
                    Optional.of("localhost:5000/n/m:latest"),
                    places().ofOllama().find(name).map(OllamaModels.Found::name));
        }
    }

    @Test
    void aFolderOfTheCacheThatNobodyMayLookIntoHidesNoOther() throws IOException {
        Files.createDirectories(cache.resolve("a-01234567/x.mtier"));
        Path closed = Files.createDirectory(cache.resolve("b-01234567"));
        Files.setPosixFilePermissions(closed, Set.of());
        assertEquals(
                List.of("a-01234567"),
                models.all().stream().map(LocalModel::name).toList());
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void whyAModelCannotBeRemovedIsSaid() throws IOException {
        Path store = Files.createDirectories(cache.resolve("a-01234567/x.mtier"));
        LocalModel found = models.all().getFirst();
        Files.delete(store);
        UncheckedIOException failure = assertThrows(UncheckedIOException.class, () -> models.remove(found));
        assertEquals(store + ": no such file or directory", failure.getMessage());
    }

    @Test
    void aCheckpointMayHaveAFileThatIsCalledLikeAManifest() throws IOException {
        Path model = Files.createDirectory(home.resolve("model"));
        Files.writeString(model.resolve("manifest.json"), "{}");
        assertFalse(Stores.isStore(model));
        Files.createFile(model.resolve("dense.safetensors"));
        assertTrue(Stores.isStore(model));
    }

    @Test
    void modelsOfLikeNamesHaveLinksOfTheirOwn() throws IOException {
        Path one = BlobLinks.ofOllama(cache, "a-b:c");
        Path other = BlobLinks.ofOllama(cache, "a/b:c");
        assertNotEquals(one, other);
        Path blob = Files.writeString(home.resolve("blob"), "1");
        Path next = Files.writeString(home.resolve("next"), "2");
        assertEquals("1", Files.readString(BlobLinks.link(one, blob)));
        assertEquals("2", Files.readString(BlobLinks.link(one, next)));
        assertEquals("1", Files.readString(BlobLinks.link(other, blob)));
        try (var files = Files.list(one.resolveSibling(""))) {
            assertEquals(List.of(one), files.toList());
        }
    }
}
