package io.moetier.cli;

import io.moetier.engine.convert.ModelSource;
import io.moetier.engine.model.spec.DenseSpec;
import io.moetier.engine.model.spec.LayerSpec;
import io.moetier.engine.model.spec.LinearSpec;
import io.moetier.engine.model.spec.MixerSpec;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.engine.model.spec.SublayerSpec;
import io.moetier.engine.model.spec.VectorSpec;
import io.moetier.engine.tensor.MatrixShape;
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
import java.util.stream.Collectors;

/// Which element types the weights of a model have, by their part in it.
final class TensorTypes {
    private final ModelSource source;
    private final Map<String, Map<DType, Long>> bytesOfGroup = new LinkedHashMap<>();

    private TensorTypes(ModelSource source) {
        this.source = source;
    }

    static TensorTypes of(ModelSource source) {
        TensorTypes types = new TensorTypes(source);
        types.add(source.spec());
        return types;
    }

    /// Returns the types of all weights, the one with most bytes first.
    String all() {
        Map<DType, Long> sums = new TreeMap<>();
        bytesOfGroup.values().forEach(group -> group.forEach((type, bytes) -> sums.merge(type, bytes, Long::sum)));
        return listed(sums);
    }

    /// Returns the types of the matrices of a store, the one with most bytes first.
    static String ofStore(Path store, StoreManifest manifest) {
        Map<DType, Long> sums = new TreeMap<>();
        for (StoreManifest.Entry expert : manifest.experts()) {
            for (BlockPart part :
                    manifest.sizeClasses().get(expert.sizeClass()).layout().parts()) {
                sums.merge(part.dtype(), part.byteLength(), Long::sum);
            }
        }
        try (SafetensorsFile dense = SafetensorsFile.open(store.resolve(StoreManifest.DENSE_FILE_NAME))) {
            dense.metadata().values().stream()
                    .flatMap(written -> MatrixShape.parse(written).stream())
                    .forEach(shape -> sums.merge(shape.dtype(), shape.packedBytes(), Long::sum));
        }
        return listed(sums);
    }

    private static String listed(Map<DType, Long> sums) {
        return sums.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .map(entry -> entry.getKey().label())
                .collect(Collectors.joining(", "));
    }

    /// Returns the groups and the bytes of each type in them.
    Map<String, Map<DType, Long>> groups() {
        return bytesOfGroup;
    }

    private void add(ModelSpec spec) {
        add("embedding", List.of(spec.embedding()));
        for (LayerSpec layer : spec.layers()) {
            for (SublayerSpec sublayer : layer.sublayers()) {
                switch (sublayer.block()) {
                    case MixerSpec mixer -> add("attention", mixer.linears());
                    case DenseSpec dense -> add("dense MLPs", dense.linears());
                    case MoeSpec moe -> add(moe);
                }
            }
        }
        if (!spec.tiedEmbeddings()) {
            add("head", List.of(spec.head()));
        }
        for (VectorSpec vector : spec.denseVectors()) {
            add("vectors", source.require(vector));
        }
    }

    private void add(MoeSpec moe) {
        add("routers", moe.routingLinears());
        for (DenseSpec expert : moe.experts()) {
            add("experts: gate", List.of(expert.gate()));
            add("experts: up", List.of(expert.up()));
            add("experts: down", List.of(expert.down()));
        }
        moe.sharedExpert()
                .ifPresent(shared -> add("shared experts", shared.ffn().linears()));
    }

    private void add(String group, List<LinearSpec> linears) {
        for (LinearSpec linear : linears) {
            add(group, source.require(linear));
        }
    }

    private void add(String group, TensorInfo tensor) {
        bytesOfGroup
                .computeIfAbsent(group, key -> new TreeMap<>())
                .merge(tensor.dtype(), tensor.byteLength(), Long::sum);
    }
}
