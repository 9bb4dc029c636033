package io.moetier.runtime.convert;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.ExpertParts;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.model.spec.weight.VectorSpec;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.expert.TaskThreads;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Writes the routed experts: gate, up and down of each packed into one block, and behind them their biases.
final class ExpertBlocks {
    private final MatrixReader reader;
    private final Rounding rounding;
    private final Map<ExpertId, DenseSpec> experts = new LinkedHashMap<>();
    private final Map<BlockLayout, List<ExpertId>> classes = new LinkedHashMap<>();

    ExpertBlocks(ModelSpec spec, MatrixReader reader, Quantisation quantisation) {
        this.reader = reader;
        rounding = quantisation.experts();
        for (int layer = 0; layer < spec.layers().size(); layer++) {
            Optional<MoeSpec> moe = spec.layers().get(layer).moe();
            if (moe.isPresent()) {
                addLayer(layer, moe.get());
            }
        }
    }

    private void addLayer(int layer, MoeSpec moe) {
        BlockLayout first = layout(moe.experts().getFirst());
        for (int expert = 0; expert < moe.numExperts(); expert++) {
            BlockLayout layout = layout(moe.experts().get(expert));
            if (!layout.equals(first)) {
                throw MalformedModelException.of(
                        reader.require(moe.experts().get(expert).up()).file(),
                        "layer " + layer + " expert " + expert + ": element types",
                        dtypes(first) + " as in the layer's first expert",
                        dtypes(layout));
            }
            ExpertId id = new ExpertId(layer, expert);
            experts.put(id, moe.experts().get(expert));
            classes.computeIfAbsent(layout, key -> new ArrayList<>()).add(id);
        }
    }

    private static List<DType> dtypes(BlockLayout layout) {
        return layout.parts().stream().map(BlockPart::dtype).toList();
    }

    /// Returns the bytes that the blocks take on disk, in the order in which their files are written.
    long[] fileBytes() {
        return classes.entrySet().stream()
                .mapToLong(entry -> ExpertStoreWriter.fileBytes(
                        entry.getKey(), entry.getValue().size()))
                .toArray();
    }

    /// Writes all blocks, on other threads, and has this one do `meanwhile` once they have begun.
    void write(ExpertStoreWriter writer, TaskThreads.Meanwhile meanwhile) throws IOException {
        TaskThreads.Meanwhile first = meanwhile;
        for (Map.Entry<BlockLayout, List<ExpertId>> sizeClass : classes.entrySet()) {
            writer.addSizeClass(sizeClass.getKey(), sizeClass.getValue());
            writeBlocks(writer, sizeClass.getKey(), sizeClass.getValue(), first);
            first = () -> {};
        }
        first.run(); // where there are no blocks
    }

    private void writeBlocks(
            ExpertStoreWriter writer, BlockLayout layout, List<ExpertId> ids, TaskThreads.Meanwhile meanwhile)
            throws IOException {
        try (BlockWorkers workers = new BlockWorkers(writer, reader, layout.blockBytes())) {
            workers.write(
                    ids,
                    (id, own, block) -> fill(own, block, layout, Objects.requireNonNull(experts.get(id))),
                    meanwhile,
                    reader::report);
        }
    }

    private static void fill(MatrixReader reader, MemorySegment block, BlockLayout layout, DenseSpec expert) {
        for (Map.Entry<String, LinearSpec> named : linears(expert).entrySet()) {
            LinearSpec linear = named.getValue();
            BlockPart part = layout.part(named.getKey());
            reader.read(linear, part.dtype(), block.asSlice(part.offset(), part.byteLength()));
            linear.bias().ifPresent(bias -> fill(reader, block, layout.part(ExpertParts.biasOf(part.name())), bias));
        }
    }

    private static void fill(MatrixReader reader, MemorySegment block, BlockPart part, VectorSpec bias) {
        MemorySegment values = MemorySegment.ofArray(reader.readVector(bias));
        block.asSlice(part.offset(), part.byteLength()).copyFrom(values);
    }

    private BlockLayout layout(DenseSpec expert) {
        Map<String, LinearSpec> linears = linears(expert);
        BlockLayout layout = BlockLayout.EMPTY;
        for (Map.Entry<String, LinearSpec> named : linears.entrySet()) {
            layout = with(layout, named.getKey(), named.getValue());
        }
        for (Map.Entry<String, LinearSpec> named : linears.entrySet()) {
            if (named.getValue().bias().isPresent()) {
                VectorSpec bias = named.getValue().bias().get();
                reader.requireVector(bias);
                long bytes = (long) bias.size() * Float.BYTES;
                layout = layout.with(ExpertParts.biasOf(named.getKey()), DType.F32, bias.size(), 1, bytes);
            }
        }
        return layout;
    }

    private static Map<String, LinearSpec> linears(DenseSpec expert) {
        Map<String, LinearSpec> linears = new LinkedHashMap<>();
        expert.gate().ifPresent(gate -> linears.put(ExpertParts.GATE, gate));
        linears.put(ExpertParts.UP, expert.up());
        linears.put(ExpertParts.DOWN, expert.down());
        return linears;
    }

    private BlockLayout with(BlockLayout layout, String name, LinearSpec linear) {
        DType target = rounding.target(reader.require(linear), linear.cols());
        long bytes = WeightMatrix.packedBytes(target, linear.rows(), linear.cols());
        return layout.with(name, target, linear.rows(), linear.cols(), bytes);
    }
}
