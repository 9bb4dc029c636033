package io.moetier.engine.convert;

import io.moetier.engine.model.family.Families;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.VectorSpec;
import io.moetier.engine.text.SentencePieceConverter;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// A model in a Hugging Face checkpoint.
final class CheckpointSource implements ModelSource {
    private static final String CONFIG = "config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String SENTENCE_PIECE = "tokenizer.model";

    private final Checkpoint checkpoint;
    private final ModelSpec spec;

    private CheckpointSource(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.spec = Families.describe(checkpoint.config());
    }

    static CheckpointSource of(Path directoryOrFile) {
        Checkpoint checkpoint = Checkpoint.open(directoryOrFile);
        try {
            return new CheckpointSource(checkpoint);
        } catch (RuntimeException | Error e) {
            checkpoint.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return checkpoint.path();
    }

    @Override
    public String kind() {
        return "checkpoint";
    }

    @Override
    public String name() {
        return checkpoint.name();
    }

    @Override
    public ModelSpec spec() {
        return spec;
    }

    @Override
    public Optional<String> tokenizer() {
        return Stream.of(TOKENIZER, SENTENCE_PIECE)
                .filter(name -> checkpoint.file(name).isPresent())
                .findFirst();
    }

    @Override
    public Map<String, Object> metadata() {
        return Map.of();
    }

    @Override
    public TensorInfo require(LinearSpec linear) {
        return checkpoint.require(linear.weight(), linear.rows(), linear.cols());
    }

    @Override
    public TensorInfo require(VectorSpec vector) {
        return checkpoint.require(vector.name(), vector.size());
    }

    @Override
    public void read(TensorInfo tensor, long fromByte, MemorySegment dst) {
        checkpoint.read(tensor, fromByte, dst);
    }

    @Override
    public float[] readFloats(TensorInfo tensor) {
        return checkpoint.readFloats(tensor);
    }

    @Override
    public long totalBytes() {
        return checkpoint.totalBytes();
    }

    @Override
    public String fingerprint() {
        return checkpoint.fingerprint();
    }

    @Override
    public void writeCompanions(Path directory) throws IOException {
        Files.copy(checkpoint.config().source(), directory.resolve(CONFIG));
        for (Path companion : checkpoint.companions()) {
            Files.copy(companion, directory.resolve(companion.getFileName()));
        }
        Optional<Path> sentencePiece = checkpoint.file(SENTENCE_PIECE);
        if (checkpoint.file(TOKENIZER).isEmpty() && sentencePiece.isPresent()) {
            Files.writeString(
                    directory.resolve(TOKENIZER),
                    SentencePieceConverter.toTokenizerJson(
                            sentencePiece.get(), checkpoint.file("tokenizer_config.json")));
        }
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
