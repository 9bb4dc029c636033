package io.moetier.runtime.hub;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model in a repository: a GGUF file with all its parts, or a checkpoint of safetensors files with what belongs to
/// it.
///
/// @param label what tells it from the others: the path without the number of a part
/// @param files those it cannot do without, and all that describe it
/// @param opened what is opened: the first file in GGUF, or the folder of the checkpoint
record HubModel(String label, List<HubFile> files, String opened) {
    private static final Pattern PART = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.(gguf|safetensors)");
    private static final Pattern QUANTISATION = Pattern.compile(
            "(?i)(?<![a-z0-9])(?:ud-)?(?:i?q\\d[a-z0-9]*(?:_[a-z0-9]+)*|tq\\d_\\d|mxfp4(?:_moe)?|nvfp4|bf16"
                    + "|f16|f32)(?![a-z0-9])");
    private static final String CHECKPOINT = "safetensors";
    private static final String GGUF = ".gguf";
    private static final String CONFIG = "config.json";
    static final String INDEX = "model.safetensors.index.json";

    /// Files beside the weights: configurations, tokenizers and templates; no code.
    private static final Pattern DESCRIBING =
            Pattern.compile("[^/]+\\.(?:json|jinja|model|tiktoken)|merges\\.txt|vocab\\.txt");

    /// Returns the whole models of a repository.
    static List<HubModel> of(HubRepository repository) {
        List<HubModel> models = new ArrayList<>(checkpoint(repository).stream().toList());
        Map<String, List<HubFile>> ggufs = new LinkedHashMap<>();
        for (HubFile file : repository.files()) {
            if (file.path().endsWith(GGUF) && !isBesideModels(file)) {
                ggufs.computeIfAbsent(stem(file.path()), stem -> new ArrayList<>())
                        .add(file);
            }
        }
        ggufs.forEach((stem, files) -> {
            if (isWhole(files)) {
                files.sort((a, b) -> a.path().compareTo(b.path()));
                models.add(new HubModel(
                        stem + GGUF, List.copyOf(files), files.getFirst().path()));
            }
        });
        return models;
    }

    private static Optional<HubModel> checkpoint(HubRepository repository) {
        List<HubFile> top = repository.files().stream()
                .filter(file -> !file.path().contains("/"))
                .toList();
        List<HubFile> weights = weights(top);
        boolean described = top.stream().anyMatch(file -> file.path().equals(CONFIG));
        if (weights.isEmpty() || !described) {
            return Optional.empty();
        }
        List<HubFile> files = new ArrayList<>(top.stream()
                .filter(file -> DESCRIBING.matcher(file.path()).matches())
                .toList());
        files.addAll(weights);
        return Optional.of(new HubModel(CHECKPOINT, List.copyOf(files), ""));
    }

    /// Returns the shards of the index, the one file that has all, or the only one there is.
    private static List<HubFile> weights(List<HubFile> top) {
        List<HubFile> all = top.stream()
                .filter(file -> file.path().endsWith(".safetensors"))
                .toList();
        List<HubFile> shards = all.stream()
                .filter(file -> file.path().startsWith("model-")
                        && PART.matcher(file.path()).matches())
                .toList();
        List<HubFile> single = all.stream()
                .filter(file -> file.path().equals("model.safetensors"))
                .toList();
        boolean indexed = top.stream().anyMatch(file -> file.path().equals(INDEX));
        if (indexed && !shards.isEmpty()) {
            return isWhole(shards) ? shards : List.of();
        }
        boolean isAll = indexed || (all.size() == 1 && isWhole(all));
        return !single.isEmpty() ? single : isAll ? all : List.of();
    }

    long bytes() {
        return files.stream().mapToLong(HubFile::bytes).sum();
    }

    boolean isWeight(HubFile file) {
        return file.path().endsWith(GGUF) || file.path().endsWith(".safetensors");
    }

    /// Says whether this is meant by the path of one of its files, its label, its quantisation or its kind.
    boolean isCalled(String selection) {
        return label.equals(selection)
                || files.stream()
                        .anyMatch(file -> isWeight(file)
                                && (file.path().equals(selection) || file.name().equals(selection)))
                || quantisations().stream().anyMatch(word -> word.equalsIgnoreCase(selection));
    }

    /// Returns the shortest that tells it from the others.
    String shortLabel(List<HubModel> others) {
        return quantisations().stream()
                .filter(word ->
                        others.stream().filter(other -> other.isCalled(word)).count() == 1)
                .findFirst()
                .orElse(label);
    }

    HubSelection selected(Optional<String> only) {
        return new HubSelection(files, Optional.of(opened), only);
    }

    /// Returns the names of types of weights in the path, the last first.
    private List<String> quantisations() {
        List<String> words = new ArrayList<>();
        Matcher found = QUANTISATION.matcher(label);
        while (found.find()) {
            words.addFirst(found.group().toUpperCase(Locale.ROOT));
        }
        return words;
    }

    private static String stem(String path) {
        Matcher part = PART.matcher(path);
        return part.matches() ? part.group(1) : path.substring(0, path.length() - GGUF.length());
    }

    /// Towers and importance matrices are no models.
    private static boolean isBesideModels(HubFile file) {
        String name = file.name().toLowerCase(Locale.ROOT);
        return name.contains("mmproj") || name.contains("imatrix");
    }

    /// Says whether no part is missing. Parts count from 1 to the number that their names have, or from 0: to it, or to
    /// the one before it.
    private static boolean isWhole(List<HubFile> files) {
        Matcher any = PART.matcher(files.getFirst().path());
        if (!any.matches()) {
            return true;
        }
        List<Integer> numbers =
                files.stream().map(HubModel::partNumber).distinct().sorted().toList();
        int first = numbers.getFirst();
        int last = numbers.getLast();
        int named = Integer.parseInt(any.group(3));
        return numbers.size() == last - first + 1
                && (first == 1 ? last == named : first == 0 && (last == named || last == named - 1));
    }

    private static int partNumber(HubFile file) {
        Matcher part = PART.matcher(file.path());
        return part.matches() ? Integer.parseInt(part.group(2)) : -1;
    }

    /// Says whether a file is what makes a folder of weights a model.
    static boolean makesModel(HubFile file) {
        return file.name().equals(CONFIG);
    }
}
