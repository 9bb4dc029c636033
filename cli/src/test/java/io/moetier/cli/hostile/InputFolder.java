package io.moetier.cli.hostile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Writes the files of inputs of one kind and keeps the list of them.
final class InputFolder {
    private final Path folder;
    private final String kind;
    private final List<HostileInput> inputs = new ArrayList<>();

    InputFolder(Path folder) {
        this.folder = folder;
        this.kind = String.valueOf(folder.getFileName());
        create(folder);
    }

    List<HostileInput> inputs() {
        return List.copyOf(inputs);
    }

    /// Adds a command line; its name begins with the kind.
    void add(String name, String... arguments) {
        inputs.add(HostileInput.of(kind + "/" + name, arguments));
    }

    void addWithStandardInput(String name, String text, String... arguments) {
        inputs.add(HostileInput.of(kind + "/" + name, arguments).withStandardInput(text));
    }

    /// Adds what a user does with a model that somebody gave them: look at it, import it.
    void addModel(String name, Path model) {
        add(name + "/inspect", "inspect", model.toString());
        add(name + "/import", "import", model.toString(), "--out", "{work}/out.mtier");
    }

    /// Adds a short run of a model with token ids.
    void addRun(String name, Path model) {
        add(name + "/run", "run", model.toString(), "--ids", "1,2,3", "-n", "2", "--temp", "0", "--profile", "none");
    }

    /// Adds a short run of a model with a text.
    void addText(String name, Path model, String text) {
        add(name + "/text", "run", model.toString(), "-n", "2", "--temp", "0", "--profile", "none", text);
    }

    Path file(String name, byte[] content) {
        try {
            return Files.write(folder.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path file(String name, String content) {
        return file(name, content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /// Makes a folder whose files are links to those of `model`, to be replaced one by one.
    Path linked(String name, Path model) {
        Path copy = create(folder.resolve(name));
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.filter(InputFolder::isOfModel).toList()) {
                Files.createSymbolicLink(copy.resolve(file.getFileName()), file.toAbsolutePath());
            }
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes a file of a folder that [#linked] made, in place of the link.
    static void replace(Path folder, String file, byte[] content) {
        try {
            Files.deleteIfExists(folder.resolve(file));
            Files.write(folder.resolve(file), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void replace(Path folder, String file, String content) {
        replace(folder, file, content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static boolean isOfModel(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.equals("config.json") || name.equals("model.safetensors") || name.startsWith("tokenizer");
    }

    private static Path create(Path folder) {
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
