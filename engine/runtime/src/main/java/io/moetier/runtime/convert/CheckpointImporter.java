package io.moetier.runtime.convert;

import io.moetier.kernels.tensor.RowInterleaver;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;

/// Turns a model into a store: packs every matrix once, one block per expert, and publishes the whole at once.
public final class CheckpointImporter {
    private final ModelSource source;
    private final ModelSpec spec;
    private final Quantisation quantisation;
    private final Importance importance;
    private final Optional<RowInterleaver> interleaver;

    public CheckpointImporter(ModelSource source, Quantisation quantisation) {
        this(source, quantisation, Importance.NONE, Optional.empty());
    }

    /// @param importance of the columns of matrices that are rounded
    /// @param interleaver packs the weights, with the same result as without it
    public CheckpointImporter(
            ModelSource source,
            Quantisation quantisation,
            Importance importance,
            Optional<RowInterleaver> interleaver) {
        this.source = source;
        this.quantisation = quantisation;
        this.importance = importance;
        this.interleaver = interleaver;
        spec = source.spec();
    }

    /// Returns what tells this import from one of another model, or of the same one with other options.
    public static String fingerprint(ModelSource source, Quantisation quantisation) {
        String tower = source.spec().vision().isPresent() ? "-tower" : ""; // older versions left some out
        return source.fingerprint() + "-" + quantisation.label() + tower;
    }

    /// Returns about how many bytes the store will take.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public long storeBytes() {
        try (MatrixReader reader = new MatrixReader(source, importance, interleaver, bytes -> {})) {
            return new DenseFile(spec, reader, quantisation).bytes()
                    + LongStream.of(new ExpertBlocks(spec, reader, quantisation).fileBytes())
                            .sum();
        }
    }

    /// Returns about how many bytes must be free where the store is written: more than it takes in the end.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public long requiredSpace() {
        try (MatrixReader reader = new MatrixReader(source, importance, interleaver, bytes -> {})) {
            return requiredSpace(
                    new DenseFile(spec, reader, quantisation), new ExpertBlocks(spec, reader, quantisation));
        }
    }

    /// Returns how many bytes of the store are not experts: its file `dense.safetensors`.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public long denseBytes() {
        try (MatrixReader reader = new MatrixReader(source, importance, interleaver, bytes -> {})) {
            return new DenseFile(spec, reader, quantisation).bytes();
        }
    }

    /// Writes the store.
    ///
    /// @param target directory to publish; it must not exist unless `replace`
    /// @param progress is told, piece by piece, the bytes read of the source's [ModelSource#totalBytes]; the
    ///     import is complete when this method returns
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    /// @throws UncheckedIOException if the store cannot be written or the thread is interrupted; the cause is an
    ///     `ImportRunningException` if another import of the target is running
    public void run(Path target, boolean replace, LongConsumer progress) {
        try {
            write(target, replace, interruptible(progress));
        } catch (IOException e) {
            throw new UncheckedIOException(isInterrupted() ? interruption() : IoFailure.sentence(e), e);
        } catch (MalformedModelException e) {
            throw isInterrupted() ? new UncheckedIOException(interruption(), new IOException(e)) : e;
        }
    }

    /// An interrupt shows as a closed channel or a broken wait, wherever it strikes, which would be blamed on a file.
    private static boolean isInterrupted() {
        return Thread.currentThread().isInterrupted();
    }

    /// Reading goes on when its thread is interrupted, which an import should not.
    private LongConsumer interruptible(LongConsumer progress) {
        return bytes -> {
            progress.accept(bytes);
            if (isInterrupted()) {
                throw new UncheckedIOException(interruption(), new InterruptedIOException());
            }
        };
    }

    private String interruption() {
        return "the import of " + source.path() + " was interrupted";
    }

    private void write(Path target, boolean replace, LongConsumer progress) throws IOException {
        source.checkTokenizer();
        try (MatrixReader reader = new MatrixReader(source, importance, interleaver, progress)) {
            DenseFile dense = new DenseFile(spec, reader, quantisation);
            ExpertBlocks experts = new ExpertBlocks(spec, reader, quantisation);
            try (ExpertStoreWriter writer = ExpertStoreWriter.create(target, replace)) {
                writer.requireSpace(requiredSpace(dense, experts));
                experts.write(writer, () -> {
                    source.writeCompanions(writer.directory());
                    dense.write(writer.directory().resolve(StoreManifest.DENSE_FILE_NAME));
                });
                writer.publish(description());
            }
        }
    }

    private static long requiredSpace(DenseFile dense, ExpertBlocks experts) {
        return ExpertStoreWriter.requiredSpace(dense.bytes(), experts.fileBytes());
    }

    private Map<String, Object> description() {
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("model", source.name());
        description.put("family", spec.family());
        description.put("source", source.path().toAbsolutePath().toString());
        source.tower()
                .filter(tower -> !tower.wasFound())
                .ifPresent(tower ->
                        description.put("tower", tower.file().toAbsolutePath().toString()));
        description.put("quantisation", quantisation.label());
        importance.file().ifPresent(file -> description.put("importance", file));
        description.put("fingerprint", fingerprint(source, quantisation) + importance.suffix());
        return description;
    }
}
