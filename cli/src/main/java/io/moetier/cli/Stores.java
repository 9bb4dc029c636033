package io.moetier.cli;

import io.moetier.engine.convert.CheckpointImporter;
import io.moetier.engine.convert.Quantisation;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Finds the store of the MODEL on a command line; imports a checkpoint on first use and when its files have changed.
///
/// In the cache, each checkpoint path has a directory of its own, which holds one store named by its fingerprint.
final class Stores {
    private static final String SUFFIX = ".mtier";
    private static final String MANIFEST = "manifest.json";

    private final Surroundings surroundings;
    private final Streams streams;

    Stores(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// Says whether `model` names a store and not a checkpoint.
    static boolean isStore(Path model) {
        return Files.exists(model.resolve(MANIFEST))
                || String.valueOf(model.getFileName()).endsWith(SUFFIX);
    }

    /// Returns the store of `model`, made now if need be.
    Path open(Path model) {
        if (isStore(model)) {
            return model;
        }
        try (Checkpoint checkpoint = openCheckpoint(model)) {
            Path store = cached(checkpoint);
            if (!Files.exists(store)) {
                streams.note("importing " + model + ", once, to " + store);
                importCheckpoint(checkpoint, Quantisation.KEEP, store, false);
                removeSiblings(store);
            }
            return store;
        }
    }

    /// Returns the store of `model` as it is.
    ///
    /// @throws IllegalArgumentException if there is none yet
    Path find(Path model) {
        if (isStore(model)) {
            return model;
        }
        try (Checkpoint checkpoint = openCheckpoint(model)) {
            Path store = cached(checkpoint);
            if (!Files.exists(store)) {
                throw new IllegalArgumentException(model + " has not been imported yet; run or import it first");
            }
            return store;
        }
    }

    /// Opens a checkpoint; says so when there is nothing at all.
    static Checkpoint openCheckpoint(Path path) {
        if (!Files.exists(path)) {
            throw new MalformedModelException(path + ": no such file or directory");
        }
        return Checkpoint.open(path);
    }

    /// Writes a store and shows how it goes.
    void importCheckpoint(Checkpoint checkpoint, Quantisation quantisation, Path target, boolean replace) {
        try (Progress progress =
                new Progress(streams.err(), "import", surroundings.errorIsTerminal(), System::nanoTime)) {
            Path parent = target.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            long total = checkpoint.totalBytes();
            long[] done = {0};
            new CheckpointImporter(checkpoint, quantisation).run(target, replace, bytes -> {
                done[0] += bytes;
                progress.update(Math.min(done[0], total), total);
            });
            if (done[0] < total) { // tensors that the model has no use for
                progress.update(total, total);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path cached(Checkpoint checkpoint) {
        String path = checkpoint.path().toAbsolutePath().normalize().toString();
        CRC32C digest = new CRC32C();
        digest.update(path.getBytes(StandardCharsets.UTF_8));
        String directory = String.format(Locale.ROOT, "%s-%08x", checkpoint.name(), digest.getValue());
        return surroundings
                .cacheDirectory()
                .resolve(directory)
                .resolve(CheckpointImporter.fingerprint(checkpoint, Quantisation.KEEP) + SUFFIX);
    }

    /// Removes the stores of what the checkpoint was before it changed.
    private static void removeSiblings(Path store) {
        try (Stream<Path> siblings = Files.list(store.toAbsolutePath().resolveSibling("."))) {
            for (Path sibling : siblings.toList()) {
                String name = String.valueOf(sibling.getFileName());
                if (name.endsWith(SUFFIX) && !sibling.getFileName().equals(store.getFileName())) {
                    remove(sibling);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void remove(Path directory) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(directory)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
