package io.moetier.runtime.hub;

import io.moetier.storage.memory.ByteSize;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Files of a repository that somebody wants, or that make up its only model.
///
/// @param files what is needed
/// @param model what of it is opened as a model: the first file of one in GGUF, or the folder of a checkpoint, which
///     is empty at the top; nothing where the files are no model, or more than one
/// @param only what was taken as the only model, where nobody said what to take
public record HubSelection(List<HubFile> files, Optional<String> model, Optional<String> only) {
    private static final String SAFETENSORS = "safetensors";
    private static final String MAKERS_OWN = "UD-"; // before types of weights that are mixed otherwise than usual
    private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

    public HubSelection {
        files = List.copyOf(files);
    }

    /// Returns what the name that a repository was asked for selects of it.
    ///
    /// @throws IllegalArgumentException if that is nothing, or not said; the message lists what there is
    public static HubSelection of(HubRepository repository) {
        List<HubModel> models = HubModel.of(repository);
        return repository
                .name()
                .selection()
                .map(selection -> chosen(repository, models, selection))
                .orElseGet(() -> only(repository, models));
    }

    /// Returns all models of a repository by the names that select them.
    public static Map<HubName, HubSelection> each(HubRepository repository) {
        List<HubModel> models = HubModel.of(repository);
        HubName whole = repository.name().withoutSelection();
        Map<HubName, HubSelection> each = new LinkedHashMap<>();
        models.forEach(model -> each.put(
                models.size() == 1 ? whole : whole.selecting(model.shortLabel(models)),
                model.selected(Optional.empty())));
        return each;
    }

    /// Returns how many bytes the files have.
    public long bytes() {
        return files.stream().mapToLong(HubFile::bytes).sum();
    }

    private static HubSelection only(HubRepository repository, List<HubModel> models) {
        if (models.size() == 1) {
            HubModel model = models.getFirst();
            return model.selected(Optional.of(
                    repository.name() + ": " + model.label() + " (" + ByteSize.format(model.bytes()) + ")"));
        }
        throw new IllegalArgumentException(
                models.isEmpty()
                        ? nothing(repository)
                        : repository.name() + " has " + models.size() + " models; choose one: "
                                + list(repository.name(), models));
    }

    private static HubSelection chosen(HubRepository repository, List<HubModel> models, String selection) {
        List<HubModel> exactly = called(models, selection);
        boolean isName = !exactly.isEmpty() || repository.file(selection).isPresent(); // whatever letters it has
        if (!isName && GLOB.matcher(selection).find()) {
            return matching(repository, models, selection);
        }
        List<HubModel> meant = exactly.isEmpty() ? called(models, MAKERS_OWN + selection) : exactly;
        if (meant.size() > 1) {
            throw new IllegalArgumentException(repository.name() + " means " + meant.size() + " models; choose one: "
                    + list(repository.name(), meant));
        }
        if (meant.size() == 1) {
            return meant.getFirst().selected(Optional.empty());
        }
        return repository
                .file(selection)
                .map(file -> new HubSelection(List.of(file), Optional.empty(), Optional.empty()))
                .orElseThrow(() -> new IllegalArgumentException(repository.name() + " is not there; "
                        + (models.isEmpty() ? nothing(repository) : "there are " + list(repository.name(), models))));
    }

    private static List<HubModel> called(List<HubModel> models, String word) {
        return models.stream().filter(model -> model.isCalled(word)).toList();
    }

    private static HubSelection matching(HubRepository repository, List<HubModel> models, String glob) {
        PathMatcher matcher = matcher(glob);
        List<HubFile> matched = repository.files().stream()
                .filter(file -> matches(matcher, file.path()) || matches(matcher, file.name()))
                .toList();
        if (matched.isEmpty()) {
            throw new IllegalArgumentException(
                    "no file of " + repository.name().withoutSelection() + " matches '" + glob + "'");
        }
        List<HubModel> meant = models.stream()
                .filter(model ->
                        model.files().stream().anyMatch(file -> matched.contains(file) && model.isWeight(file)))
                .toList();
        List<HubFile> files = Stream.concat(matched.stream(), meant.stream().flatMap(model -> model.files().stream()))
                .distinct()
                .toList();
        return new HubSelection(
                files, meant.size() == 1 ? Optional.of(meant.getFirst().opened()) : Optional.empty(), Optional.empty());
    }

    /// Says whether a file is meant; one that no file here can be called is not.
    private static boolean matches(PathMatcher matcher, String path) {
        try {
            return matcher.matches(Path.of(path));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static PathMatcher matcher(String glob) {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + glob);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("expected a pattern of files, found '" + glob + "'", e);
        }
    }

    private static String list(HubName name, List<HubModel> models) {
        return models.stream()
                        .map(model -> ":" + model.shortLabel(models) + " (" + ByteSize.format(model.bytes()) + ")")
                        .collect(Collectors.joining(", "))
                + ", as " + name.selecting(models.getFirst().shortLabel(models));
    }

    private static String nothing(HubRepository repository) {
        List<String> kinds = new ArrayList<>();
        repository.files().forEach(file -> {
            String name = file.name().toLowerCase(Locale.ROOT);
            if (name.matches(".*\\.(bin|pt|pth|onnx|h5)") && !kinds.contains(file.name())) {
                kinds.add(file.name());
            }
        });
        return repository.name().withoutSelection() + " has no model in GGUF or " + SAFETENSORS
                + (kinds.isEmpty() ? "" : ", only " + kinds.getFirst() + ", which cannot be read");
    }
}
