package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The files beside a model in a GGUF file whose names are those of files with towers for images.
///
/// @param fitting those that have a tower of the model's
/// @param others why the others do not fit
record MmprojFolder(List<Path> fitting, List<String> others) {
    private static final String NAME = "mmproj";
    private static final String NONE = "no file beside the model has a tower for them";

    /// Looks at the files, where the model's family has towers.
    static MmprojFolder of(GgufParts model) {
        List<Path> fitting = new ArrayList<>();
        List<String> others = new ArrayList<>();
        if (Families.projector(model).isPresent()) {
            for (Path file : candidates(model.files().getFirst().file())) {
                try (Mmproj _ = Mmproj.open(model, file, true)) {
                    fitting.add(file);
                } catch (MalformedModelException e) {
                    others.add(String.valueOf(e.getMessage()));
                }
            }
        }
        return new MmprojFolder(List.copyOf(fitting), List.copyOf(others));
    }

    private static List<Path> candidates(Path model) {
        try (Stream<Path> files = Files.list(UnfinishedFile.folderOf(model))) {
            return files.filter(file -> GgufParts.isNamed(file)
                            && String.valueOf(file.getFileName()).contains(NAME)
                            && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of(); // whoever may not list the folder can name the file
        }
    }

    /// Returns the file that fits, if no other does.
    Optional<Path> only() {
        return fitting.size() == 1 ? Optional.of(fitting.getFirst()) : Optional.empty();
    }

    /// Returns why there is no such file; nothing if nothing there is named like one.
    Optional<String> whyNone() {
        if (fitting.size() > 1) {
            return Optional.of(fitting.stream()
                    .map(file -> String.valueOf(file.getFileName()))
                    .collect(Collectors.joining(", ", "several files beside the model have a tower for them (", ")")));
        }
        return others.isEmpty() ? Optional.empty() : Optional.of(NONE + " (" + String.join("; ", others) + ")");
    }
}
