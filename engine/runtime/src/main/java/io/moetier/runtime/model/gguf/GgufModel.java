package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.weight.TensorSlice;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/// What a GGUF file holds, told as a checkpoint of its family would tell it.
///
/// @param config what would stand in `config.json`
/// @param weights where each tensor of `spec` lies, by its name there; the shapes have been checked
/// @param numGuessingTensors tensors of layers that guess more than the next token, which are no part of `spec`
/// @param numEncoderTensors tensors of encoders in these files, which are none either
/// @param tower for images, which a file of its own holds
public record GgufModel(
        JsonObject config,
        ModelSpec spec,
        Map<String, Weight> weights,
        int numGuessingTensors,
        int numEncoderTensors,
        Optional<GgufTower> tower) {
    /// Stands behind a name.
    public static final String OTHER_COLUMNS = "[other columns]";

    public GgufModel {
        weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
    }

    /// A model without a tower.
    GgufModel(
            JsonObject config,
            ModelSpec spec,
            Map<String, Weight> weights,
            int numGuessingTensors,
            int numEncoderTensors) {
        this(config, spec, weights, numGuessingTensors, numEncoderTensors, Optional.empty());
    }

    /// Reads what the files of a model hold.
    ///
    /// @param modelType the family's, in `config.json`
    /// @param description what a model of the family computes with a configuration
    /// @throws io.moetier.storage.model.MalformedModelException if a value or tensor is missing, cannot be or has
    ///     no place in the model
    public static GgufModel read(
            String modelType, GgufRule rule, GgufParts parts, Function<JsonObject, ModelSpec> description) {
        JsonObject config = new GgufConfig(modelType, rule, parts).read();
        return GgufWeights.model(config, description.apply(config), rule, parts);
    }

    /// Reads what the files of a language model and of its tower for images hold.
    ///
    /// @param modelType the language model's family's, in `config.json`
    /// @param sighted that of the family with towers
    /// @throws io.moetier.storage.model.MalformedModelException as above, of both files
    public static GgufModel read(
            String modelType,
            GgufRule rule,
            GgufParts parts,
            String sighted,
            Projector projector,
            GgufParts mmproj,
            Function<JsonObject, ModelSpec> description) {
        MmprojConfig tower = new MmprojConfig(projector, mmproj);
        JsonObject text = new GgufConfig(modelType, rule, parts).read();
        JsonObject config = tower.model(sighted, text, parts.metadata());
        ModelSpec spec = description.apply(config);
        GgufModel model = GgufWeights.model(config, spec, rule, parts);
        Map<String, Weight> weights = new LinkedHashMap<>(model.weights);
        weights.putAll(MmprojWeights.of(spec.vision().orElseThrow(), projector, mmproj));
        GgufTower beside = new GgufTower(tower.preprocessor(), MmprojWeights.numSoundTensors(mmproj));
        return new GgufModel(
                config, spec, weights, model.numGuessingTensors, model.numEncoderTensors, Optional.of(beside));
    }

    /// Returns what each weight of `spec` is called in GGUF files: the name of a tensor, with the number of an expert
    /// in brackets where it is one of a stack, and the numbers of rows where others lie in it too; with
    /// [#OTHER_COLUMNS] behind it where its columns are in another order than those of `spec`.
    ///
    /// @param has whether a tensor of that name is there, where files differ
    public static Map<String, String> names(ModelSpec spec, GgufRule rule, Predicate<String> has) {
        return GgufWeights.names(spec, rule, has);
    }

    /// What a file has instead of an element of a vector.
    public enum Change {
        /// The element.
        NONE,
        /// `-exp(x)` instead of `x`: the rates of state spaces.
        NEGATED_EXPONENTIAL,
        /// `1 + x` instead of `x`: factors that a checkpoint stores as their distance from 1.
        ONE_MORE;

        /// Returns the element for which the file has `value`.
        public float undo(float value) {
            return switch (this) {
                case NONE -> value;
                case NEGATED_EXPONENTIAL -> (float) Math.log(-value);
                case ONE_MORE -> value - 1;
            };
        }
    }

    /// A tensor of another frame of a video's patches.
    ///
    /// @param length elements of each turn
    public record Frames(RawTensor second, int length) {}

    /// A weight, which may be one expert's part of a tensor.
    ///
    /// @param tensor where it lies; its name is the file's own
    /// @param headRows 0, or how many rows a head has that are ordered for rotating neighbouring pairs
    /// @param elements which elements of the tensor it has, if not all in their order
    /// @param change what the file has instead of an element
    /// @param frames what takes turns with the tensor's elements
    /// @param turns how many rows of `elements` a row of the matrix is
    public record Weight(
            RawTensor tensor,
            int headRows,
            Optional<TensorSlice> elements,
            Change change,
            Optional<Frames> frames,
            int turns) {
        /// A part of a tensor, all of whose elements are this weight's.
        public Weight(RawTensor tensor, int headRows, Optional<TensorSlice> elements, Change change) {
            this(tensor, headRows, elements, change, Optional.empty(), 1);
        }

        /// A whole matrix or vector.
        public Weight(RawTensor tensor, int headRows) {
            this(tensor, headRows, Optional.empty(), Change.NONE);
        }

        /// Returns a matrix whose rows have elements of two matrices in turns.
        ///
        /// @param length elements of each turn
        static Weight ofFrames(RawTensor first, RawTensor second, int length) {
            List<Long> shape =
                    List.of(first.shape().getFirst(), 2 * first.shape().getLast());
            RawTensor both =
                    new RawTensor(first.name(), first.dtype(), shape, first.file(), first.offset(), first.byteLength());
            return new Weight(both, 0, Optional.empty(), Change.NONE, Optional.of(new Frames(second, length)), 1);
        }

        /// Returns a matrix whose rows have an element of each channel in turns, which lie one channel behind the other
        /// in the tensor.
        ///
        /// @param length elements of each channel in a row
        static Weight ofChannels(RawTensor tensor, int length) {
            long cols = tensor.shape().getLast();
            TensorSlice elements = new TensorSlice(tensor.name(), tensor.shape(), 0, 1, length, length, cols);
            return new Weight(tensor, 0, Optional.of(elements), Change.NONE, Optional.empty(), length);
        }

        /// Says whether rows of the matrix lie in the file in another order, or among others.
        public boolean isOfScatteredRows() {
            return headRows != 0 || elements.isPresent();
        }

        /// Returns which row of the file holds row `row` of the matrix.
        ///
        /// Moetier rotates element `i` of a head with element `i + headRows / 2`; the two are neighbours in
        /// the file.
        ///
        /// @throws IllegalArgumentException if the matrix is cut from parts of rows
        public long rowInFile(long row) {
            if (elements.isPresent()) {
                TensorSlice slice = elements.get();
                if (!slice.isOfWholeRows()) {
                    throw new IllegalArgumentException(tensor.name() + " is not cut by rows");
                }
                return slice.index(row, 0) / slice.shape().getLast();
            }
            if (headRows == 0) {
                return row;
            }
            long half = headRows / 2;
            long within = row % headRows;
            return row - within + within % half * 2 + within / half;
        }
    }
}
