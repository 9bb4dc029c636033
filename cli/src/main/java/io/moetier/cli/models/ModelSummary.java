package io.moetier.cli.models;

import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.lab.cost.CostModel;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.simulate.ModelSizes;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ExpertSizes;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.offload.SlotBudget;
import io.moetier.runtime.offload.SlotBudget.SizeClassCount;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/// What a model is made of.
///
/// @param sizeClasses how many experts of which size there are
/// @param slotBytesOfLayer the bytes of one expert's slot, by MoE layer
/// @param denseBytes bytes of everything else, as a store has it
/// @param types those that most of the weights have
public record ModelSummary(
        Path model,
        ModelSpec spec,
        String weights,
        List<SizeClassCount> sizeClasses,
        List<Long> slotBytesOfLayer,
        long denseBytes,
        TensorTypes.Main types) {
    /// Describes a model by its headers.
    public static ModelSummary of(Path model) {
        if (Stores.isStore(model)) {
            return ofStore(model);
        }
        try (ModelSource source = Stores.openSource(model)) {
            return ofSource(source);
        }
    }

    /// Describes a store by its manifest and headers; the weights are not read.
    public static ModelSummary ofStore(Path store) {
        StoreManifest manifest = StoreManifest.read(store);
        ModelSpec spec = Families.describe(
                Json.readObject(store.resolve("config.json")), store.resolve(StoreManifest.DENSE_FILE_NAME));
        List<SizeClassCount> sizeClasses = new ArrayList<>();
        for (int c = 0; c < manifest.sizeClasses().size(); c++) {
            int sizeClass = c;
            int count = (int) manifest.experts().stream()
                    .filter(entry -> entry.sizeClass() == sizeClass)
                    .count();
            sizeClasses.add(new SizeClassCount(
                    count, manifest.sizeClasses().get(c).layout().slotBytes()));
        }
        TensorTypes types = TensorTypes.ofStore(store, manifest);
        return new ModelSummary(
                store,
                spec,
                "store, " + types.all(),
                sizeClasses,
                List.copyOf(manifest.slotBytesOfLayer().values()),
                manifest.denseBytes(),
                types.main());
    }

    /// Describes a model that is no store by its headers, as it would be imported without rounding.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public static ModelSummary ofSource(ModelSource source) {
        return ofSource(source, Quantisation.KEEP);
    }

    /// Describes a model that is no store by its headers, as it would be imported.
    ///
    /// @throws IllegalArgumentException if the weights would not become smaller
    /// @throws io.moetier.storage.model.MalformedModelException if a tensor is missing or not as it should be
    public static ModelSummary ofSource(ModelSource source, Quantisation quantisation) {
        ModelSpec spec = source.spec();
        ExpertSizes sizes = ExpertSizes.of(source, quantisation.experts());
        TensorTypes types = TensorTypes.of(source);
        long dense = new CheckpointImporter(source, quantisation).denseBytes();
        boolean keeps = quantisation.equals(Quantisation.KEEP);
        return new ModelSummary(
                source.path(),
                spec,
                keeps ? source.kind() + ", " + types.all() : quantisation.label(),
                sizes.sizeClasses(),
                sizes.slotBytesOfLayer(),
                dense,
                keeps ? types.main() : types.main().rounded(quantisation));
    }

    /// Returns what the model is in memory, and as decoding reads it.
    public PlannedModel planned() {
        return new PlannedModel(weights, sizes(), new MemoryForecast.Model(spec, sizeClasses, denseBytes));
    }

    /// Returns the sizes as simulations need them.
    public ModelSizes sizes() {
        CostModel.Traits traits =
                new CostModel.Traits(types.dense(), types.experts(), spec.hiddenSize(), spec.vocabSize());
        return ModelSizes.of(spec, slotBytesOfLayer, denseBytes, Optional.of(traits));
    }

    /// Returns the bytes of all experts.
    public long allExpertBytes() {
        return budget().allBytes();
    }

    /// Returns the bytes of the smallest budget.
    public long leastExpertBytes() {
        return budget().minimumBytes();
    }

    /// Returns the lines for people; with a budget, also what each tier holds.
    String table(OptionalLong ramBytes) {
        Table table = new SpecSummary(model, spec)
                .table()
                .row("weights", weights)
                .row("one expert", ByteSize.format(expertBytes()))
                .row("all experts", ByteSize.format(budget().allBytes()))
                .row("everything else", ByteSize.format(denseBytes))
                .row("smallest --ram", ByteSize.format(budget().minimumBytes()));
        StringBuilder text = new StringBuilder(table.toString());
        if (ramBytes.isPresent()) {
            int[] slots = slots(ramBytes.getAsLong());
            int inMemory = IntStream.of(slots).sum();
            text.append('\n')
                    .append(Table.ofFigures()
                            .row("tier", "experts", "bytes", "share")
                            .row("host", inMemory, ByteSize.format(bytes(slots)), share(inMemory))
                            .row(
                                    "disk only",
                                    numExperts() - inMemory,
                                    ByteSize.format(budget().allBytes() - bytes(slots)),
                                    share(numExperts() - inMemory)));
        }
        return text.toString();
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields(OptionalLong ramBytes) {
        Map<String, Object> fields = new SpecSummary(model, spec).fields();
        fields.put("weights", weights);
        fields.put("expert_bytes", expertBytes());
        fields.put("all_expert_bytes", budget().allBytes());
        fields.put("dense_bytes", denseBytes);
        fields.put("minimum_ram_bytes", budget().minimumBytes());
        ramBytes.ifPresent(ram -> {
            int inMemory = IntStream.of(slots(ram)).sum();
            fields.put("ram_bytes", ram);
            fields.put("host_experts", inMemory);
            fields.put("disk_only_experts", numExperts() - inMemory);
        });
        return fields;
    }

    private long numExperts() {
        return new SpecSummary(model, spec).numExperts();
    }

    /// Memory for the largest expert.
    private long expertBytes() {
        return sizeClasses.stream().mapToLong(SizeClassCount::slotBytes).max().orElse(0);
    }

    private SlotBudget budget() {
        return new SlotBudget(sizeClasses, spec.mostExpertsPerToken()); // as it was trained
    }

    private int[] slots(long ramBytes) {
        return budget().slots(ramBytes);
    }

    private long bytes(int[] slots) {
        return IntStream.range(0, slots.length)
                .mapToLong(c -> slots[c] * sizeClasses.get(c).slotBytes())
                .sum();
    }

    private String share(long experts) {
        return RunReport.percent((double) experts / Math.max(1, numExperts()));
    }
}
