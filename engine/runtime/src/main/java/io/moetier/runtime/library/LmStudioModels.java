package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubFile;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.storage.format.GgufParts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What LM Studio has downloaded: GGUF files under `ORG/REPO`. Nothing is changed there.
///
/// @param folders the first of which is asked first
record LmStudioModels(List<Path> folders) {
    private static final int DEPTH = 4;
    private static final String LATER_PART = ".*-(?!00001)\\d{5}-of-\\d{5}\\.gguf";
    private static final Pattern NUMBER = Pattern.compile("-\\d{5}(-of-\\d{5}\\.gguf)$");

    /// A model of LM Studio's.
    ///
    /// @param name `ORG/REPO/FILE`
    /// @param bytes of all its files that are there
    record Found(String name, Path file, long bytes) {}

    /// Returns all models, each by its first file.
    List<Found> all() {
        List<Found> all = new ArrayList<>();
        for (Path folder : folders) {
            List<Path> files = ReadableFiles.in(folder, DEPTH).stream()
                    .filter(GgufParts::isNamed)
                    .toList();
            Map<String, Long> bytes = files.stream()
                    .collect(Collectors.groupingBy(
                            LmStudioModels::together,
                            Collectors.summingLong(file -> file.toFile().length())));
            files.stream()
                    .filter(file -> isModel(String.valueOf(file.getFileName())))
                    .forEach(file -> all.add(new Found(
                            folder.relativize(file).toString(), file, bytes.getOrDefault(together(file), 0L))));
        }
        return all;
    }

    /// Returns what all parts of a model have in common.
    private static String together(Path file) {
        return NUMBER.matcher(file.toString()).replaceFirst("$1");
    }

    private static boolean isModel(String name) {
        return !name.toLowerCase(Locale.ROOT).contains("mmproj") && !name.matches(LATER_PART);
    }

    /// Returns the file of that name.
    ///
    /// @throws IllegalArgumentException if it is none
    Optional<Path> find(String name) {
        if (!HubFile.isInside(name)) {
            throw new IllegalArgumentException("expected lmstudio:ORG/REPO/FILE, found 'lmstudio:" + name + "'");
        }
        return folders.stream()
                .map(folder -> folder.resolve(name))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    /// Returns where the selected files of a repository are, all of them with the lengths that the hub tells.
    Optional<Path> find(HubRepository repository, HubSelection selection) {
        return folders.stream()
                .map(folder -> folder.resolve(repository.name().repository()))
                .filter(folder -> selection.files().stream()
                        .allMatch(file -> folder.resolve(file.path()).toFile().length() == file.bytes()))
                .findFirst();
    }
}
