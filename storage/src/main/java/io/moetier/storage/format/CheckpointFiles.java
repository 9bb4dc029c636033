package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The files of a checkpoint directory that hold its configuration and weights, as far as names tell; no weight
/// file has been opened yet.
///
/// `weightMap` names the file of each tensor and is empty when there is no index.
record CheckpointFiles(Path directory, Optional<Path> index, List<Path> weights, Map<String, String> weightMap) {
    static final String CONFIG = "config.json";
    static final String INDEX = "model.safetensors.index.json";
    private static final String SINGLE = "model.safetensors";
    private static final String EXTENSION = ".safetensors";

    /// Finds the files of a checkpoint named by its directory or by one of its weight files.
    ///
    /// A weight file beside an index stands for the whole checkpoint, since users name the first shard by
    /// habit.
    static CheckpointFiles locate(Path path) {
        IoFailure.toReach(path).ifPresent(reason -> {
            throw new MalformedModelException(path + ": " + reason);
        });
        if (Files.isDirectory(path)) {
            requireConfig(path);
            return inDirectory(path);
        }
        if (!path.toString().endsWith(EXTENSION)) {
            throw new MalformedModelException(path + ": expected a store (NAME.mtier), a checkpoint directory or a "
                    + EXTENSION + " or .gguf file, found a file of another kind");
        }
        Path directory = Optional.ofNullable(path.getParent()).orElse(Path.of(""));
        requireConfig(directory);
        return Files.exists(directory.resolve(INDEX)) ? inDirectory(directory) : single(directory, path);
    }

    /// Returns the path of the file `name` in `directory`, or nothing if the name could lead out of it.
    static Optional<Path> inside(Path directory, String name) {
        if (name.isEmpty() || name.contains("/") || name.contains("\\") || name.equals(".") || name.equals("..")) {
            return Optional.empty();
        }
        try {
            return Optional.of(directory.resolve(name));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private static void requireConfig(Path directory) {
        if (Files.isRegularFile(directory.resolve(CONFIG))) {
            return;
        }
        String hint = list(directory, ".gguf").stream()
                .findFirst()
                .map(gguf -> "; to use " + gguf.getFileName() + ", which is there, name that file")
                .orElse("");
        throw new MalformedModelException(directory.toAbsolutePath() + ": expected a checkpoint with " + CONFIG
                + ", found a directory without it" + hint);
    }

    private static CheckpointFiles inDirectory(Path directory) {
        Path index = directory.resolve(INDEX);
        if (Files.exists(index)) {
            return sharded(directory, index);
        }
        Path model = directory.resolve(SINGLE);
        if (Files.exists(model)) {
            return single(directory, model);
        }
        List<Path> candidates = list(directory, EXTENSION);
        if (candidates.size() != 1) {
            throw MalformedModelException.of(
                    directory,
                    "weights",
                    INDEX + ", " + SINGLE + " or a single *" + EXTENSION,
                    candidates.isEmpty() ? otherWeights(directory) : names(candidates));
        }
        return single(directory, candidates.getFirst());
    }

    private static CheckpointFiles single(Path directory, Path weights) {
        return new CheckpointFiles(directory, Optional.empty(), List.of(weights), Map.of());
    }

    private static CheckpointFiles sharded(Path directory, Path index) {
        JsonObject map = Json.readObject(index).requireObject("weight_map");
        Map<String, String> weightMap = new LinkedHashMap<>();
        for (String tensor : map.keys()) {
            String shard = map.requireString(tensor);
            if (inside(directory, shard).isEmpty()) {
                throw map.unexpected(tensor, "the name of a file in the directory of the index", shard);
            }
            weightMap.put(tensor, shard);
        }
        if (weightMap.isEmpty()) {
            throw MalformedModelException.of(index, "weight_map", "at least one tensor", "none");
        }
        // Sorted, since readers want the tensors of all shards in a stable order and an index may list them in any.
        List<Path> shards = new TreeSet<>(weightMap.values())
                .stream().map(directory::resolve).toList();
        requireAll(shards, index);
        return new CheckpointFiles(directory, Optional.of(index), shards, Collections.unmodifiableMap(weightMap));
    }

    private static void requireAll(List<Path> shards, Path index) {
        // A symbolic link is fine wherever it leads: the hub's own cache is made of them.
        List<Path> missing =
                shards.stream().filter(shard -> !Files.isRegularFile(shard)).toList();
        if (!missing.isEmpty()) {
            throw MalformedModelException.of(
                    index,
                    "weight_map",
                    "the file " + missing.getFirst().getFileName() + " in the same directory",
                    "no such file; " + missing.size() + " of " + shards.size() + " shards are missing");
        }
    }

    private static String otherWeights(Path directory) {
        List<Path> pickles = Stream.of(".bin", ".pth", ".pt")
                .flatMap(extension -> list(directory, extension).stream())
                .toList();
        if (!pickles.isEmpty()) {
            return pickles.getFirst().getFileName()
                    + ", which is not supported because loading it would run code; convert the weights to safetensors";
        }
        List<Path> ggufs = list(directory, ".gguf");
        return ggufs.isEmpty() ? "none" : ggufs.getFirst().getFileName() + "; to use it, name that file";
    }

    private static String names(List<Path> files) {
        return String.join(
                        ", ",
                        files.stream()
                                .map(file -> String.valueOf(file.getFileName()))
                                .toList())
                + "; name the one to use";
    }

    private static List<Path> list(Path directory, String extension) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(extension))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new MalformedModelException(directory + ": cannot be listed: " + IoFailure.reason(e), e);
        }
    }
}
