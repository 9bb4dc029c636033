package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.spec.VisionSpec.Branch;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.NormSpec;
import io.moetier.runtime.model.spec.weight.ProjectionsSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// Finds the weights of a tower for images in its own file (`mmproj`), where a tensor's name tells its part.
///
/// Each tensor must be a weight of the tower, or of an encoder of sound.
final class MmprojWeights {
    private static final String WEIGHT = ".weight";
    private static final String BIAS = ".bias";
    static final String MEAN = "v.std_bias";
    private static final String PATCHES = "v.patch_embd";
    private static final Pattern OF_SOUND = Pattern.compile("(a|mm\\.a)\\..*");

    private final Projector projector;
    private final GgufParts parts;
    private final Map<String, GgufModel.Weight> weights = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();

    private MmprojWeights(Projector projector, GgufParts mmproj) {
        this.projector = projector;
        this.parts = mmproj;
    }

    /// Returns where each weight of a tower lies.
    static Map<String, GgufModel.Weight> of(VisionSpec tower, Projector projector, GgufParts mmproj) {
        MmprojWeights found = new MmprojWeights(projector, mmproj);
        found.add(tower);
        found.requireNoOthers();
        return found.weights;
    }

    /// Returns how many tensors are of an encoder of sound.
    static int numSoundTensors(GgufParts mmproj) {
        return (int) mmproj.tensors().keySet().stream()
                .filter(name -> OF_SOUND.matcher(name).matches())
                .count();
    }

    private void add(VisionSpec tower) {
        addPatches(tower.patches());
        tower.patches().classToken().ifPresent(token -> add(token, "v.class_embd"));
        tower.patches().norm().ifPresent(norm -> add(norm, "v.pre_ln"));
        add(tower.positions().learned().table(), "v.position_embd" + WEIGHT);
        for (int layer = 0; layer < tower.layers().size(); layer++) {
            add(tower.layers().get(layer), "v.blk." + layer + ".");
        }
        add(tower.merger(), projector.norm(), projector.linears());
        for (VisionSpec.Deepstack deepstack : tower.deepstack()) {
            String name = "v.deepstack." + deepstack.layer() + ".";
            add(deepstack.merger(), name + "norm", List.of(name + "fc1", name + "fc2"));
        }
    }

    /// A tensor for each of the frames of a patch, whose rows take turns within a row of the matrix.
    private void addPatches(VisionSpec.Patches patches) {
        LinearSpec linear = patches.linear();
        int pixels = patches.pixels() * patches.pixels();
        if (projector == Projector.GEMMA4) {
            RawTensor channels = require(PATCHES + WEIGHT, linear.rows(), linear.cols());
            requireElements(channels);
            weights.put(linear.weight(), GgufModel.Weight.ofChannels(channels, pixels));
            return;
        }
        int frames = linear.cols() % (2 * pixels) == 0 ? 2 : 1;
        RawTensor first = require(PATCHES + WEIGHT, linear.rows(), linear.cols() / frames);
        if (frames == 1) {
            weights.put(linear.weight(), new GgufModel.Weight(first, 0));
        } else {
            RawTensor second = require(PATCHES + WEIGHT + ".1", linear.rows(), linear.cols() / frames);
            List.of(first, second).forEach(this::requireElements);
            if (!first.dtype().equals(second.dtype())) {
                throw MalformedModelException.of(
                        second.file(), "tensor " + second.name() + ": dtype", first.dtype(), second.dtype());
            }
            weights.put(linear.weight(), GgufModel.Weight.ofFrames(first, second, pixels));
        }
        linear.bias().ifPresent(bias -> add(bias, PATCHES + BIAS));
    }

    private void requireElements(RawTensor tensor) {
        if (tensor.require().dtype().blockElements() > 1) {
            throw MalformedModelException.of(
                    tensor.file(), "tensor " + tensor.name() + ": dtype", "F32, F16 or BF16", tensor.dtype());
        }
    }

    private void add(VisionSpec.Layer layer, String block) {
        add(layer.first(), block, "1", "attn");
        ProjectionsSpec projections = layer.attention().projections();
        if (parts.tensors().containsKey(block + "attn_qkv" + WEIGHT)) {
            addRows(projections.inputs(), block + "attn_qkv");
        } else {
            add(projections.query(), block + "attn_q");
            add(projections.key(), block + "attn_k");
            add(projections.value(), block + "attn_v");
        }
        add(projections.output(), block + "attn_out");
        layer.attention().norms().ifPresent(norms -> {
            add(norms.query(), block + "attn_q_norm");
            add(norms.key(), block + "attn_k_norm");
        });
        add(layer.second(), block, "2", "ffn");
        Optional<LinearSpec> factors = layer.mlp().factors();
        factors.ifPresent(up -> add(up, block + "ffn_up"));
        add(layer.mlp().linears().getFirst(), block + (factors.isPresent() ? "ffn_gate" : "ffn_up"));
        add(layer.mlp().linears().getLast(), block + "ffn_down");
    }

    private void add(Branch branch, String block, String number, String kind) {
        add(branch.norm(), block + "ln" + number);
        branch.after().ifPresent(after -> add(after, block + kind + "_post_norm"));
        branch.scale().ifPresent(scale -> add(scale, block + "ls" + number + WEIGHT));
    }

    private void add(VisionSpec.Merger merger, String norm, List<String> names) {
        add(merger.norm(), norm);
        merger.pooling().flatMap(VisionSpec.Pooling::standard).ifPresent(standard -> {
            add(standard.mean(), MEAN);
            add(standard.scale(), "v.std_scale");
        });
        for (int i = 0; i < names.size(); i++) {
            add(merger.mlp().linears().get(i), names.get(i));
        }
    }

    /// Matrices whose rows follow each other in a matrix, and their biases likewise.
    private void addRows(List<LinearSpec> linears, String name) {
        int rows = linears.stream().mapToInt(LinearSpec::rows).sum();
        RawTensor whole = require(name + WEIGHT, rows, linears.getFirst().cols());
        Optional<RawTensor> biases = linears.getFirst().bias().map(_ -> require(name + BIAS, rows));
        int at = 0;
        for (LinearSpec linear : linears) {
            int first = at;
            String label = "[" + first + ".." + (first + linear.rows()) + "]";
            put(
                    linear.weight(),
                    GgufWeights.part(whole, label, rows, first, linear.rows(), linear.rows(), linear.cols()));
            biases.ifPresent(all -> put(
                    linear.bias().orElseThrow().name(),
                    GgufWeights.part(all, label, rows, first, linear.rows(), linear.rows())));
            at += linear.rows();
        }
    }

    private void add(LinearSpec linear, String name) {
        put(linear.weight(), require(name + WEIGHT, linear.rows(), linear.cols()));
        linear.bias().ifPresent(bias -> add(bias, name + BIAS));
    }

    private void add(NormSpec norm, String name) {
        norm.weight().ifPresent(factors -> add(factors, name + WEIGHT));
        norm.bias().ifPresent(bias -> add(bias, name + BIAS));
    }

    private void add(VectorSpec vector, String name) {
        put(vector.name(), require(name, vector.size()));
    }

    private void put(String weight, RawTensor tensor) {
        weights.put(weight, new GgufModel.Weight(tensor, 0));
    }

    /// Returns a tensor as one of this shape, which it may have with other dimensions behind the first, or beside one
    /// alone.
    private RawTensor require(String name, long... shape) {
        used.add(name);
        @Nullable RawTensor tensor = parts.tensors().get(name);
        if (tensor == null || !hasElementsOf(tensor.shape(), shape)) {
            return parts.require(name, shape);
        }
        tensor.require();
        return new RawTensor(
                name,
                tensor.dtype(),
                Arrays.stream(shape).boxed().toList(),
                tensor.file(),
                tensor.offset(),
                tensor.byteLength());
    }

    private static boolean hasElementsOf(List<Long> found, long... shape) {
        boolean hasRows = shape.length == 1 || (!found.isEmpty() && found.getFirst() == shape[0]);
        return hasRows && product(found.stream().mapToLong(Long::longValue)) == product(LongStream.of(shape));
    }

    private static long product(LongStream sizes) {
        return sizes.reduce(1, Math::multiplyExact);
    }

    private void requireNoOthers() {
        for (RawTensor tensor : parts.tensors().values()) {
            if (!used.contains(tensor.name())
                    && !OF_SOUND.matcher(tensor.name()).matches()) {
                throw MalformedModelException.of(
                        tensor.file(), "tensor " + tensor.name(), "only tensors that the tower has", "this one");
            }
        }
    }
}
