package io.moetier.runtime.convert;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.model.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// A model as it was published: a description, weights under the names that it gives them, and a tokenizer.
///
/// All headers are checked when it is opened; weights are read on demand, from any number of threads.
public sealed interface ModelSource extends AutoCloseable permits CheckpointSource, GgufSource {
    /// Opens a Hugging Face checkpoint, named by its directory or one of its files, or a GGUF file, which may be any
    /// part of a model in several.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a file is missing, unreadable or not as
    ///     it should be, or the model's family is unknown
    static ModelSource open(Path path) {
        return open(path, Optional.empty());
    }

    /// Opens a model like [#open(Path)].
    ///
    /// @param tower a GGUF file with the tower for images of a model in GGUF (`mmproj`); where none is named, the
    ///     only one beside the model that fits is taken
    /// @throws IllegalArgumentException if one is named for a checkpoint, which has its tower itself
    static ModelSource open(Path path, Optional<Path> tower) {
        if (GgufParts.isOne(path)) {
            return GgufSource.of(path, tower);
        }
        if (tower.isPresent()) {
            throw new IllegalArgumentException(
                    tower.get() + " has the tower of a model in a GGUF file; " + path + " is none");
        }
        return CheckpointSource.of(path);
    }

    /// Opens the model of a checkpoint together with its layer for multi-token prediction.
    ///
    /// @throws IllegalArgumentException if it has none that can be computed
    /// @throws io.moetier.storage.model.MalformedModelException as [#open(Path)]
    static ModelSource openWithMtp(Path path) {
        if (GgufParts.isOne(path)) {
            throw new IllegalArgumentException(
                    "layers for multi-token prediction (MTP) are read from checkpoints; " + path + " is a GGUF file");
        }
        return CheckpointSource.withMtp(path);
    }

    /// Returns the path that stands for the model: the directory, or the file or its first part.
    Path path();

    /// Returns what it is: `checkpoint` or `GGUF`.
    String kind();

    /// Returns a name fit to be shown.
    String name();

    /// Returns what the model computes.
    ModelSpec spec();

    /// Returns of what kind the tokenizer is, known or not, if there is one.
    Optional<String> tokenizer();

    /// Checks the tokenizer, if there is one.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is not one that text can be read with
    void checkTokenizer();

    /// Returns what the file says of itself, by its own keys; of a checkpoint, whose files can be read, only how many
    /// tensors are of another type than [#require(LinearSpec)] says.
    Map<String, Object> metadata();

    /// Returns type, shape and size of a matrix of [#spec], and the tensor and file that it lies in, which must have
    /// exactly the shape that the matrix says.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is missing, has another shape or an
    ///     element type that is no weight's
    TensorInfo require(LinearSpec linear);

    /// Returns the same of a vector.
    TensorInfo require(VectorSpec vector);

    /// Fills `dst` with whole rows of a matrix in its element type, from row `firstRow` on.
    ///
    /// @throws IllegalArgumentException if there are no such rows
    /// @throws io.moetier.storage.model.MalformedModelException as [#require] does, or if the file ends early or
    ///     cannot be read
    void read(LinearSpec linear, int firstRow, MemorySegment dst);

    /// Returns all elements of a vector as floats.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException as [#require] does, or if the file ends early or
    ///     cannot be read
    float[] readFloats(VectorSpec vector);

    /// Returns how many tensors belong to layers that guess more than the next token (Gloeckle et al. 2024,
    /// arXiv:2404.19737). They are not part of [#spec], and not imported.
    int numGuessingTensors();

    /// Returns how many tensors belong to encoders of images or sound, which are likewise left out.
    int numEncoderTensors();

    /// Returns where the tower for images lies, if that is a file of its own.
    Optional<Tower> tower();

    /// Returns why pictures are not read although the model's description, or a file beside it, has a tower for them.
    Optional<String> whyNoPictures();

    /// The file of a tower for images.
    ///
    /// @param wasFound whether it lies beside the model, and was not named
    record Tower(Path file, boolean wasFound) {}

    /// Returns the bytes of all tensors.
    long totalBytes();

    /// Returns a digest that changes when the files do, as they were when this source was opened.
    ///
    /// The weights themselves are left out, since reading them would cost as much as importing them.
    String fingerprint();

    /// Writes what a store keeps beside the weights: `config.json` and, if there is one, the tokenizer's files.
    ///
    /// @throws IOException if a file cannot be written
    /// @throws io.moetier.storage.model.MalformedModelException if the tokenizer is not of a known kind
    void writeCompanions(Path directory) throws IOException;

    @Override
    void close();
}
