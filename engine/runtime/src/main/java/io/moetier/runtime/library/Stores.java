package io.moetier.runtime.library;

import io.moetier.kernels.cpu.nativecode.NativeInterleaver;
import io.moetier.kernels.cuda.driver.CudaException;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ExpertSizes;
import io.moetier.runtime.convert.Importance;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.ImportRunningException;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.file.FileTree;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Finds the store of a model; imports a model on first use, when its files have changed, and when its store turns out
/// to be damaged.
///
/// In the cache, each path of a model has a directory of its own, which holds one store named by its fingerprint.
public final class Stores {
    public static final String SUFFIX = ".mtier";
    static final String MANIFEST = "manifest.json";
    private static final String TOKENIZER = "tokenizer.json";

    private final CacheFolder cache;
    private final LibraryListener listener;
    private final CacheRoom room;

    public Stores(CacheFolder cache, LibraryListener listener) {
        this.cache = cache;
        this.listener = listener;
        this.room = new CacheRoom(cache, listener, CacheRoom::onDisk);
    }

    /// Says whether `model` names a store. Checkpoints may have a file of the manifest's name, too.
    public static boolean isStore(Path model) {
        return String.valueOf(model.getFileName()).endsWith(SUFFIX)
                || (Files.exists(model.resolve(MANIFEST))
                        && Files.exists(model.resolve(StoreManifest.DENSE_FILE_NAME)));
    }

    /// Returns the stores of all models that were imported into a cache.
    public static List<Path> imported(Path cache) {
        return LocalModels.storesUnder(cache).toList();
    }

    /// Loads `model`, whose store is made now if need be.
    ///
    /// @param text whether a tokenizer will be needed
    /// @throws IllegalArgumentException if the options do not fit the model; then nothing has been imported
    public LoadedModel load(Path model, EngineConfig config, boolean text) {
        return load(model, Optional.empty(), config, text);
    }

    /// Loads `model` like [#load(Path, EngineConfig, boolean)].
    ///
    /// @param tower as [ModelSource#open(Path, Optional)]
    public LoadedModel load(Path model, Optional<Path> tower, EngineConfig config, boolean text) {
        if (isStore(model) && tower.isPresent()) {
            throw new IllegalArgumentException(
                    tower.get() + " has the tower of a model in a GGUF file; " + model + " is a store already");
        }
        return load(model, () -> openSource(model, tower), config, text);
    }

    /// Loads `model` like [#load(Path, EngineConfig, boolean)], together with its layer for multi-token prediction,
    /// for which there is a store beside the other.
    ///
    /// @throws IllegalArgumentException if it has none, too
    public LoadedModel loadWithMtp(Path model, EngineConfig config, boolean text) {
        return load(
                model,
                () -> {
                    requireThere(model);
                    return ModelSource.openWithMtp(model);
                },
                config,
                text);
    }

    private LoadedModel load(Path model, Supplier<ModelSource> opener, EngineConfig asked, boolean text) {
        tidy(model);
        requireThere(model); // before a store of copies is made
        EngineConfig config = withStoreOfCopies(asked);
        if (isStore(model)) {
            if (text && lacksTokenizer(model)) {
                throw LoadedModel.noTokenizer(model);
            }
            return open(model, model, Optional.empty(), config);
        }
        try (ModelSource source = opener.get()) {
            if (text && source.tokenizer().isEmpty()) {
                throw LoadedModel.noTokenizer(model);
            }
            Path store = cached(source);
            if (!Files.exists(store)) {
                LossCalibration.require(
                        config.numerics().selection(),
                        model,
                        Optional.of(CheckpointImporter.fingerprint(source, Quantisation.KEEP)),
                        cache.path());
                Engine.requireFit(
                        config,
                        source.spec(),
                        ExpertSizes.of(source).sizeClasses(),
                        new CheckpointImporter(source, Quantisation.KEEP).denseBytes());
                importIntoCache(source, store, false, "importing " + model + " once, to " + store);
            }
            StoreOwner.warning(store, model, cache).ifPresent(listener::note);
            CacheRoom.markUsed(store);
            try {
                return open(model, store, source.whyNoPictures(), config);
            } catch (MalformedModelException e) {
                if (!isDamage(e, store)) {
                    throw e;
                }
                importIntoCache(source, store, true, e.getMessage() + "; importing " + model + " again");
            }
            return open(model, store, source.whyNoPictures(), config);
        }
    }

    /// Says whether a store is not what was written. One that cannot be had, as this user may not read it or
    /// the process has no file or address left, may be whole.
    private static boolean isDamage(MalformedModelException failure, Path store) {
        boolean isRefused = failure.getCause() instanceof IOException cause
                && !(cause instanceof NoSuchFileException || cause instanceof EOFException);
        return String.valueOf(failure.getMessage()).startsWith(store.toString()) && !isRefused;
    }

    /// Returns this with a store of the copies in fewer bits, if there are to be any, which is made now if need be.
    public EngineConfig withStoreOfCopies(EngineConfig config) {
        ExpertSelection selection = config.numerics().selection();
        return config.withSelection(selection.withCopies(selection.copies().map(this::made)));
    }

    /// Returns the store of `model`, which is made now if need be.
    private Path made(Path model) {
        if (isStore(model)) {
            return model;
        }
        try (ModelSource source = openSource(model)) {
            Path store = cached(source);
            if (!Files.exists(store)) {
                importIntoCache(source, store, false, "importing " + model + " once, to " + store);
            }
            CacheRoom.markUsed(store);
            return store;
        }
    }

    private LoadedModel open(Path model, Path store, Optional<String> whyNoPictures, EngineConfig config) {
        LoadedModel loaded = open(model, store, config).seeing(whyNoPictures);
        loaded.engine().memoryWarning().ifPresent(listener::note);
        return loaded;
    }

    private LoadedModel open(Path model, Path store, EngineConfig config) {
        try {
            return LoadedModel.open(model, store, cache.path(), config);
        } catch (CudaException | InvalidOptionException e) {
            Optional<String> objection =
                    config.compute().device().filter(DeviceFactory::isOptional).flatMap(_ -> objection(e));
            listener.note("running on the CPU: " + objection.orElseThrow(() -> e));
            return LoadedModel.open(model, store, cache.path(), config.withDevice());
        }
    }

    /// Returns what speaks against computing on a GPU, if that is what has failed.
    private static Optional<String> objection(RuntimeException failure) {
        return switch (failure) {
            case CudaException lost -> Optional.of("the GPU failed: " + lost.getMessage());
            case InvalidOptionException refused
            when refused.field().equals("vramBytes") -> Optional.of("the GPU's memory: " + refused.problem());
            default -> Optional.empty();
        };
    }

    /// Returns the store of `model` as it is.
    ///
    /// @throws UncheckedIOException if there is none yet
    public Path find(Path model) {
        tidy(model);
        if (isStore(model)) {
            return model;
        }
        try (ModelSource source = openSource(model)) {
            Path store = cached(source);
            if (!Files.exists(store)) {
                throw new UncheckedIOException(
                        new FileNotFoundException(model + " has not been imported yet; run or import it first"));
            }
            return store;
        }
    }

    /// Clears away what killed commands left where the store of `model` is.
    private void tidy(Path model) {
        Tidying tidying = new Tidying(listener::note);
        tidying.cache(cache.path());
        if (isStore(model)) {
            tidying.folder(UnfinishedFile.folderOf(model));
        }
    }

    /// Opens a model that is no store; says so when there is nothing at all.
    public static ModelSource openSource(Path path) {
        return openSource(path, Optional.empty());
    }

    /// Opens a model like [#openSource(Path)].
    ///
    /// @param tower as [ModelSource#open(Path, Optional)]
    public static ModelSource openSource(Path path, Optional<Path> tower) {
        requireThere(path);
        tower.ifPresent(Stores::requireThere);
        return ModelSource.open(path, tower);
    }

    private static void requireThere(Path file) {
        IoFailure.toReach(file).ifPresent(reason -> {
            throw new MalformedModelException(file + ": " + reason);
        });
    }

    /// Writes a store and tells how it goes.
    ///
    /// @param importance of the columns of matrices that are rounded
    public void importSource(
            ModelSource source, Quantisation quantisation, Importance importance, Path target, boolean replace) {
        long total = source.totalBytes();
        try (LibraryListener.Import running = listener.importing(total)) {
            notUsed(source.numGuessingTensors(), source.numEncoderTensors())
                    .ifPresent(text -> listener.note("not used: " + text));
            pictures(source).ifPresent(text -> listener.note("pictures are " + text));
            importance.summary().ifPresent(listener::note);
            CheckpointImporter importer = new CheckpointImporter(
                    source, quantisation, importance, NativeInterleaver.open(Optional.of(cache.path())));
            long[] done = {0};
            importer.run(target, replace, bytes -> {
                done[0] += bytes;
                running.update(Math.min(done[0], total - 1)); // it is whole only when it is published
            });
            running.update(total);
        }
    }

    /// Says with which file a model reads pictures, or why it does not, where that is not in its own files.
    public static Optional<String> pictures(ModelSource source) {
        return source.tower()
                .map(tower ->
                        "read with " + tower.file() + (tower.wasFound() ? ", which was found beside the model" : ""))
                .or(() -> source.whyNoPictures().map(reason -> LoadedModel.NOT_READ + reason));
    }

    /// Says which tensors of a model no store has; nothing where all are used.
    ///
    /// @param guessing how many tensors are of layers that guess further tokens
    /// @param encoding how many are of encoders of images or sound
    public static Optional<String> notUsed(int guessing, int encoding) {
        List<String> parts = new ArrayList<>();
        if (guessing > 0) {
            parts.add(tensors(guessing) + " of layers that guess further tokens (MTP)");
        }
        if (encoding > 0) {
            parts.add(tensors(encoding) + " of encoders of images or sound");
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", parts));
    }

    private static String tensors(int count) {
        return count + (count == 1 ? " tensor" : " tensors");
    }

    /// Imports a model, unless another process does so meanwhile.
    private void importIntoCache(ModelSource source, Path store, boolean replace, String reason) {
        try {
            while (true) {
                boolean waited = ExpertStoreWriter.awaitOthers(
                        store, () -> listener.note("waiting for another import of " + source.path()));
                if (Files.exists(store) && (waited || !replace)) {
                    return;
                }
                CheckpointImporter importer = new CheckpointImporter(source, Quantisation.KEEP);
                listener.note(reason + " (" + ByteSize.format(importer.storeBytes()) + ")");
                room.require(store, importer.requiredSpace());
                try {
                    importSource(source, Quantisation.KEEP, Importance.NONE, store, replace);
                    removeSiblings(store);
                    return;
                } catch (UncheckedIOException e) {
                    // another import may have begun between the look and the leap, and even be complete
                    if (!(e.getCause() instanceof ImportRunningException) && (replace || !Files.exists(store))) {
                        throw e;
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(
                    new InterruptedIOException("interrupted while waiting for another import of " + source.path()));
        } finally {
            removeIfEmpty(UnfinishedFile.folderOf(store)); // where no store came to be
        }
    }

    private static boolean lacksTokenizer(Path store) {
        // the manifest is asked only where the file is missing, which may also be damage
        return Files.exists(store.resolve(MANIFEST))
                && !Files.exists(store.resolve(TOKENIZER))
                && StoreManifest.read(store).file(TOKENIZER).isEmpty();
    }

    private Path cached(ModelSource source) {
        // a command that names no tower must not find another's store out of date
        Optional<Path> tower = source.tower().filter(found -> !found.wasFound()).map(ModelSource.Tower::file);
        return folder(cache.path(), source.path(), tower, source.spec().mtp().isPresent())
                .resolve(CheckpointImporter.fingerprint(source, Quantisation.KEEP) + SUFFIX);
    }

    /// Returns the folder in the cache that the stores of a model are in, or would be.
    ///
    /// @param tower that was named
    /// @param mtp whether they have its layer for multi-token prediction
    static Path folder(Path cache, Path model, Optional<Path> tower, boolean mtp) {
        Path path = realPath(model);
        CRC32C digest = new CRC32C();
        digest.update(path.toString().getBytes(StandardCharsets.UTF_8));
        tower.ifPresent(file -> digest.update(realPath(file).toString().getBytes(StandardCharsets.UTF_8)));
        if (mtp) {
            digest.update("mtp".getBytes(StandardCharsets.UTF_8));
        }
        return cache.resolve(String.format(Locale.ROOT, "%s-%08x", nameOf(path), digest.getValue()));
    }

    /// Says whether a store was made of a model with a tower that was named.
    static boolean isWithTower(Path store, Path model) {
        try {
            JsonObject description = StoreManifest.read(store).description();
            Optional<Path> source = description.optionalString("source").map(Path::of);
            return description.has("tower")
                    && source.isPresent()
                    && Files.exists(source.get())
                    && realPath(source.get()).equals(realPath(model));
        } catch (MalformedModelException e) {
            return false; // damaged: it is of no model that could be told
        }
    }

    private static String nameOf(Path path) {
        return GgufParts.isOne(path)
                ? GgufParts.nameOf(path)
                : Checkpoint.nameOf(Files.isDirectory(path) ? path : UnfinishedFile.folderOf(path));
    }

    /// Resolves symbolic links, but not of a file itself: the hub's files lead to a directory of all its models.
    private static Path realPath(Path path) {
        try {
            return Files.isDirectory(path)
                    ? path.toRealPath()
                    : UnfinishedFile.folderOf(path).toRealPath().resolve(path.getFileName());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Removes the stores of what the model was before it changed.
    static void removeSiblings(Path store) {
        try (Stream<Path> siblings = Files.list(UnfinishedFile.folderOf(store))) {
            for (Path sibling : siblings.toList()) {
                String name = String.valueOf(sibling.getFileName());
                if (name.endsWith(SUFFIX) && !sibling.getFileName().equals(store.getFileName())) {
                    FileTree.delete(sibling);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Removes the folder of a model that has no store any more.
    static void removeIfEmpty(Path folder) {
        try {
            if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            // something is in it, or it may not be removed, and it harms nobody
        }
    }
}
