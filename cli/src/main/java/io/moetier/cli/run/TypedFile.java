package io.moetier.cli.run;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Names of files as they are typed at the prompt.
///
/// @param home what `~` at the beginning of a name stands for
record TypedFile(Path home) {
    /// Returns the file that was named behind a command.
    ///
    /// @throws IllegalArgumentException if none was
    Path named(String command, String given) {
        if (given.isEmpty()) {
            throw new IllegalArgumentException(command + ": expected the name of a file");
        }
        return path(given);
    }

    private Path path(String given) {
        if (given.equals("~")) {
            return home;
        }
        return given.startsWith("~/") ? home.resolve(given.substring(2)) : Path.of(given);
    }

    /// Returns the names that go on from what was typed so far; those of directories end with a slash.
    List<String> completions(String typed) {
        String folder = typed.substring(0, typed.lastIndexOf('/') + 1);
        String begun = typed.substring(folder.length());
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path(folder))) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (name.startsWith(begun) && (begun.startsWith(".") || !name.startsWith("."))) {
                    names.add(folder + name + (Files.isDirectory(entry) ? "/" : ""));
                }
            }
        } catch (IOException | InvalidPathException e) {
            return List.of(); // nothing goes on from there
        }
        names.sort(null);
        return names;
    }
}
