package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubFile;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What Ollama has pulled: a manifest for each name, which says which blob is the model. Nothing is changed there.
///
/// @param folders as `OLLAMA_MODELS` names one, the first of which is asked first
record OllamaModels(List<Path> folders) {
    private static final String REGISTRY = "registry.ollama.ai";
    private static final String LIBRARY = "library";
    private static final int MOST_NAMES = 16; // of folders in each other; there are four or five
    private static final String LATEST = "latest";
    private static final String MODEL = "application/vnd.ollama.image.model";
    private static final String DIGEST = "sha256:[0-9a-f]{64}";

    /// A model of Ollama's.
    ///
    /// @param name as Ollama calls it, with its tag
    record Found(String name, Path blob, long bytes) {}

    /// Returns all models whose blobs are there.
    List<Found> all() {
        List<Found> all = new ArrayList<>();
        for (Path folder : folders) {
            Path manifests = folder.resolve("manifests");
            for (Path manifest : ReadableFiles.in(manifests, MOST_NAMES)) {
                read(folder, manifest, name(manifests.relativize(manifest))).ifPresent(all::add);
            }
        }
        return all;
    }

    /// Returns the model that Ollama calls `name`.
    ///
    /// @throws IllegalArgumentException if that is no name
    /// @throws MalformedModelException if Ollama has it, but not in a GGUF file that is there
    Optional<Found> find(String name) {
        int colon = name.indexOf(':', name.lastIndexOf('/') + 1); // one before is of a registry's port
        String tag = colon < 0 ? LATEST : name.substring(colon + 1);
        String model = colon < 0 ? name : name.substring(0, colon);
        if (!HubFile.isInside(model) || !HubFile.isInside(tag) || tag.contains("/")) {
            throw new IllegalArgumentException("expected ollama:NAME[:TAG], found 'ollama:" + name + "'");
        }
        String path = switch (model.split("/", -1).length) {
            case 1 -> REGISTRY + "/" + LIBRARY + "/" + model;
            case 2 -> REGISTRY + "/" + model;
            default -> model;
        };
        Optional<Path> unread = Optional.empty();
        for (Path folder : folders) {
            Path manifests = folder.resolve("manifests");
            Path manifest = manifests.resolve(path).resolve(tag);
            if (Files.isRegularFile(manifest)) {
                String called = name(manifests.relativize(manifest)); // however it was spelt
                Optional<Found> found = read(folder, manifest, called);
                if (found.isPresent()) {
                    return found;
                }
                unread = unread.or(() -> Optional.of(manifest));
            }
        }
        unread.ifPresent(manifest -> {
            throw MalformedModelException.of(manifest, "layers", "a model in a GGUF file that is there", "none");
        });
        return Optional.empty();
    }

    /// Returns the blob of that content, if it is there.
    Optional<Path> blob(String sha256, long bytes) {
        return folders.stream()
                .map(folder -> folder.resolve("blobs").resolve("sha256-" + sha256))
                .filter(blob -> Files.isRegularFile(blob) && blob.toFile().length() == bytes)
                .findFirst();
    }

    private static Optional<Found> read(Path folder, Path manifest, String name) {
        try {
            return digest(Json.readObject(manifest))
                    .map(digest -> folder.resolve("blobs").resolve(digest.replace(':', '-')))
                    .filter(Files::isRegularFile)
                    .map(blob -> new Found(name, blob, blob.toFile().length()));
        } catch (MalformedModelException | UncheckedIOException e) {
            return Optional.empty(); // another program's, which may keep there what it likes
        }
    }

    /// Returns the digest of the first layer that is a model.
    private static Optional<String> digest(JsonObject manifest) {
        return manifest.requireObjects("layers").stream()
                .filter(layer ->
                        layer.optionalString("mediaType").filter(MODEL::equals).isPresent())
                .map(layer -> layer.requireString("digest"))
                .filter(digest -> digest.matches(DIGEST))
                .findFirst();
    }

    private static String name(Path manifest) {
        String path = manifest.toString();
        int tag = path.lastIndexOf('/');
        String model = tag < 0 ? path : path.substring(0, tag);
        String brief = model.startsWith(REGISTRY + "/" + LIBRARY + "/")
                ? model.substring(REGISTRY.length() + LIBRARY.length() + 2)
                : model.startsWith(REGISTRY + "/") ? model.substring(REGISTRY.length() + 1) : model;
        return brief + ":" + path.substring(tag + 1);
    }
}
