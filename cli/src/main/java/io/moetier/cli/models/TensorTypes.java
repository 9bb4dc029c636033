package io.moetier.cli.models;

import io.moetier.kernels.tensor.MatrixShape;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.HyperConnectionSpec;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.SublayerSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Which element types the weights of a model have, by their part in it.
final class TensorTypes {
    private static final String EXPERTS = "experts: ";

    private final Map<String, Map<DType, Long>> bytesOfGroup = new LinkedHashMap<>();

    /// The types that most of the bytes have.
    ///
    /// @param dense of the weights that every token needs
    public record Main(DType dense, DType experts) {
        /// Returns the types that an import with rounding gives most of the bytes.
        Main rounded(Quantisation quantisation) {
            return new Main(rounded(dense, quantisation.dense()), rounded(experts, quantisation.experts()));
        }

        private static DType rounded(DType type, Rounding rounding) {
            return rounding == Rounding.KEEP ? type : DType.valueOf(rounding.name());
        }
    }

    private TensorTypes() {}

    static TensorTypes of(ModelSource source) {
        TensorTypes types = new TensorTypes();
        types.add(source);
        return types;
    }

    /// Returns the types of the matrices of a store; those that are not of experts are one group.
    static TensorTypes ofStore(Path store, StoreManifest manifest) {
        TensorTypes types = new TensorTypes();
        for (StoreManifest.Entry expert : manifest.experts()) {
            for (BlockPart part :
                    manifest.sizeClasses().get(expert.sizeClass()).layout().parts()) {
                types.add(EXPERTS + part.name(), part.dtype(), part.byteLength());
            }
        }
        try (SafetensorsFile dense = SafetensorsFile.open(store.resolve(StoreManifest.DENSE_FILE_NAME))) {
            dense.metadata().values().stream()
                    .flatMap(written -> MatrixShape.parse(written).stream())
                    .forEach(shape -> types.add("others", shape.dtype(), shape.packedBytes()));
        }
        return types;
    }

    /// Returns the types of all weights, the one with most bytes first.
    String all() {
        return byBytes(group -> true).map(DType::label).collect(Collectors.joining(", "));
    }

    /// Returns the type of most weights of experts, and of most others.
    Main main() {
        DType experts = byBytes(group -> group.startsWith(EXPERTS)).findFirst().orElse(DType.F32);
        DType dense = byBytes(group -> !group.startsWith(EXPERTS)).findFirst().orElse(experts);
        return new Main(dense, experts);
    }

    private Stream<DType> byBytes(Predicate<String> groups) {
        Map<DType, Long> sums = new TreeMap<>();
        bytesOfGroup.forEach((name, group) -> {
            if (groups.test(name)) {
                group.forEach((type, bytes) -> sums.merge(type, bytes, Long::sum));
            }
        });
        return sums.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .map(Map.Entry::getKey);
    }

    /// Returns the groups and the bytes of each type in them.
    Map<String, Map<DType, Long>> groups() {
        return bytesOfGroup;
    }

    private void add(ModelSource source) {
        ModelSpec spec = source.spec();
        add(source, "embedding", List.of(spec.embedding().table()));
        for (LayerSpec layer : spec.layers()) {
            for (SublayerSpec sublayer : layer.sublayers()) {
                switch (sublayer.block()) {
                    case MixerSpec mixer -> add(source, "attention", mixer.linears());
                    case DenseSpec dense -> add(source, "dense MLPs", dense.linears());
                    case MoeSpec moe -> add(source, moe);
                }
            }
        }
        add(
                source,
                "residual streams",
                spec.connections().map(HyperConnectionSpec::mix).toList());
        if (!spec.tiedEmbeddings()) {
            add(source, "head", List.of(spec.head().linear()));
        }
        spec.vision().ifPresent(tower -> add(source, "vision tower", tower.linears()));
        for (VectorSpec vector : spec.denseVectors()) {
            TensorInfo tensor = source.require(vector);
            add("vectors", tensor.dtype(), tensor.byteLength());
        }
    }

    private void add(ModelSource source, MoeSpec moe) {
        add(source, "routers", moe.routingLinears());
        for (DenseSpec expert : moe.experts()) {
            add(source, EXPERTS + "gate", expert.gate().stream().toList());
            add(source, EXPERTS + "up", List.of(expert.up()));
            add(source, EXPERTS + "down", List.of(expert.down()));
        }
        moe.sharedExpert()
                .ifPresent(shared -> add(source, "shared experts", shared.ffn().linears()));
    }

    private void add(ModelSource source, String group, List<LinearSpec> linears) {
        for (LinearSpec linear : linears) {
            TensorInfo tensor = source.require(linear);
            add(group, tensor.dtype(), tensor.byteLength());
        }
    }

    private void add(String group, DType type, long bytes) {
        bytesOfGroup.computeIfAbsent(group, key -> new TreeMap<>()).merge(type, bytes, Long::sum);
    }
}
