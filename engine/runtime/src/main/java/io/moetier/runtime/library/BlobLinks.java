package io.moetier.runtime.library;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/// Links to blobs of Ollama's, whose own names say neither what they are nor of what kind. Each model has one of its
/// own, in folders that are called like it: two names of which only the separators differ are two models.
final class BlobLinks {
    private BlobLinks() {}

    /// Returns where the link to a model that Ollama calls `NAME:TAG` is, or would be.
    static Path ofOllama(Path cache, String name) {
        String file = name.replace('/', '-').replace(':', '-') + ".gguf";
        return cache.resolve("ollama").resolve(name.replace(':', '/')).resolve(file);
    }

    /// Returns where the link to a file of a repository of the hub is, or would be.
    static Path ofHub(Path cache, String repository, String file) {
        return cache.resolve("hub").resolve(repository).resolve(file);
    }

    /// Makes `link` lead to `blob`, unless it does. Whoever looks meanwhile finds a link.
    static Path link(Path link, Path blob) {
        Path target = blob.toAbsolutePath();
        try {
            if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(target)) {
                Files.createDirectories(link.resolveSibling(""));
                Path fresh = link.resolveSibling("." + UUID.randomUUID());
                Files.createSymbolicLink(fresh, target);
                Files.move(fresh, link, StandardCopyOption.ATOMIC_MOVE);
            }
            return link;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
