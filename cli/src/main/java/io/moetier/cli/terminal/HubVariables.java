package io.moetier.cli.terminal;

import io.moetier.runtime.hub.HubCache;
import io.moetier.runtime.hub.HubSettings;
import io.moetier.runtime.library.ModelPlaces;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What variables of the environment say of the hub, as its own tools read them, and of other programs' models.
public final class HubVariables {
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

    private final Surroundings surroundings;

    public HubVariables(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /// Returns how the hub is reached.
    ///
    /// @throws IllegalArgumentException if a variable says what cannot be
    public HubSettings settings() {
        boolean offline = value("HF_HUB_OFFLINE")
                .or(() -> value("TRANSFORMERS_OFFLINE"))
                .filter(word -> TRUE.contains(word.toUpperCase(Locale.ROOT)))
                .isPresent();
        return new HubSettings(endpoint(), token(), ProxyVariables.of(surroundings), offline);
    }

    private URI endpoint() {
        return value("HF_ENDPOINT").map(HubVariables::uri).orElse(HubSettings.PUBLIC);
    }

    private static URI uri(String text) {
        try {
            return URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("HF_ENDPOINT: expected an address, found '" + text + "'", e);
        }
    }

    private Optional<String> token() {
        return token("HF_TOKEN").or(() -> token("HUGGING_FACE_HUB_TOKEN")).or(this::keptToken);
    }

    private Optional<String> token(String name) {
        return value(name).map(String::strip).filter(token -> !token.isEmpty());
    }

    private Optional<String> keptToken() {
        Path file = path("HF_TOKEN_PATH").orElseGet(() -> home().resolve("token"));
        try {
            return Files.isRegularFile(file)
                    ? Optional.of(Files.readString(file).strip()).filter(token -> !token.isEmpty())
                    : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(IoFailure.toRead(file, e));
        }
    }

    /// Returns the folders of models that have names.
    ///
    /// @throws IllegalArgumentException if there is no place for the hub's cache
    public ModelPlaces places() {
        Path cache =
                path("HF_HUB_CACHE").or(() -> path("HUGGINGFACE_HUB_CACHE")).orElseGet(() -> home().resolve("hub"));
        Path user = surroundings.home();
        List<Path> ollama = path("OLLAMA_MODELS")
                .map(List::of)
                .orElseGet(() -> List.of(
                        user.resolve(".ollama").resolve("models"), Path.of("/usr/share/ollama/.ollama/models")));
        List<Path> lmStudio = Stream.of(".lmstudio", ".cache/lm-studio")
                .map(folder -> user.resolve(folder).resolve("models"))
                .toList();
        return new ModelPlaces(new HubCache(cache), lmStudio, ollama);
    }

    private Path home() {
        return path("HF_HOME")
                .or(() -> surroundings.base("XDG_CACHE_HOME", ".cache").map(base -> base.resolve("huggingface")))
                .orElseThrow(() -> new IllegalArgumentException(
                        "this user has no home folder to keep models in: set HOME, or HF_HOME to a folder"));
    }

    private Optional<Path> path(String name) {
        return value(name)
                .map(text -> text.startsWith("~/")
                        ? surroundings.home().resolve(text.substring(2))
                        : Path.of(text).toAbsolutePath());
    }

    private Optional<String> value(String name) {
        return Optional.ofNullable(surroundings.variable(name));
    }
}
