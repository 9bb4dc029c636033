package io.moetier.cli;

import io.moetier.engine.model.family.Families;
import io.moetier.engine.model.spec.ModelSpec;
import io.moetier.engine.model.spec.MoeSpec;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.TensorInfo;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// What a model is made of.
///
/// @param expertBytes memory for the largest expert
/// @param allExpertBytes memory for all experts
/// @param denseBytes bytes of everything else
record ModelSummary(
        Path model, ModelSpec spec, String weights, long expertBytes, long allExpertBytes, long denseBytes) {
    private static final int PAGE_BYTES = 4096; // experts take whole pages

    /// Describes a store by its manifest; the weights are not read.
    static ModelSummary ofStore(Path store) {
        StoreManifest manifest = StoreManifest.read(store);
        ModelSpec spec = Families.describe(Json.readObject(store.resolve("config.json")));
        long largest = manifest.sizeClasses().stream()
                .mapToLong(sizeClass -> sizeClass.layout().slotBytes())
                .max()
                .orElse(0);
        long all = manifest.experts().stream()
                .mapToLong(entry ->
                        manifest.sizeClasses().get(entry.sizeClass()).layout().slotBytes())
                .sum();
        long dense = manifest.file("dense.safetensors")
                .map(StoreManifest.StoreFile::bytes)
                .orElse(0L);
        String weights = "store, "
                + manifest.description().optionalString("quantisation").orElse("keep");
        return new ModelSummary(store, spec, weights, largest, all, dense);
    }

    /// Describes a checkpoint by its headers, as it would be imported without rounding.
    static ModelSummary ofCheckpoint(Checkpoint checkpoint) {
        ModelSpec spec = Families.describe(checkpoint.config());
        long largest = 0;
        long all = 0;
        long raw = 0;
        for (MoeSpec moe : spec.moeLayers()) {
            for (var expert : moe.experts()) {
                long bytes = Stream.of(expert.gate(), expert.up(), expert.down())
                        .mapToLong(linear -> checkpoint
                                .require(linear.weight(), linear.rows(), linear.cols())
                                .byteLength())
                        .sum();
                long slot = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
                largest = Math.max(largest, slot);
                all += slot;
                raw += bytes;
            }
        }
        String dtype = checkpoint.tensors().values().stream()
                .map(TensorInfo::dtype)
                .findFirst()
                .map(type -> type.label())
                .orElse("no weights");
        return new ModelSummary(
                checkpoint.path(), spec, "checkpoint, " + dtype, largest, all, checkpoint.totalBytes() - raw);
    }

    /// Returns the lines for people; with a budget, also what each tier holds.
    String table(OptionalLong ramBytes) {
        MoeSpec moe = spec.moeLayers().getFirst();
        Table table = Table.ofFacts()
                .row("model", model)
                .row("family", spec.family())
                .row("weights", weights)
                .row("layers", spec.layers().size() + ", " + spec.moeLayers().size() + " of experts")
                .row("experts", numExperts() + ", " + moe.numExperts() + " in a layer")
                .row("experts of a token", moe.numExpertsPerToken() + " in a layer")
                .row("context", spec.maxPositionEmbeddings() + " tokens")
                .row("vocabulary", spec.vocabSize() + " tokens")
                .row("parameters", count(spec.totalParameters()))
                .row(
                        "active for a token",
                        count(spec.activeParameters()) + ", " + RunReport.percent(1 - savedShare()) + " of all")
                .row("one expert", ByteSize.format(expertBytes))
                .row("all experts", ByteSize.format(allExpertBytes))
                .row("everything else", ByteSize.format(denseBytes))
                .row("smallest --ram", ByteSize.format(minimumBytes()));
        StringBuilder text = new StringBuilder(table.toString());
        if (ramBytes.isPresent()) {
            long slots = slots(ramBytes.getAsLong());
            text.append('\n')
                    .append(Table.ofFigures()
                            .row("tier", "experts", "bytes", "share")
                            .row("host", slots, ByteSize.format(slots * expertBytes), share(slots))
                            .row(
                                    "disk only",
                                    numExperts() - slots,
                                    ByteSize.format(allExpertBytes - slots * expertBytes),
                                    share(numExperts() - slots)));
        }
        return text.toString();
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields(OptionalLong ramBytes) {
        MoeSpec moe = spec.moeLayers().getFirst();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model.toString());
        fields.put("family", spec.family());
        fields.put("weights", weights);
        fields.put("layers", spec.layers().size());
        fields.put("moe_layers", spec.moeLayers().size());
        fields.put("experts_per_layer", moe.numExperts());
        fields.put("experts", numExperts());
        fields.put("top_k", moe.numExpertsPerToken());
        fields.put("context", spec.maxPositionEmbeddings());
        fields.put("vocabulary", spec.vocabSize());
        fields.put("parameters", spec.totalParameters());
        fields.put("active_parameters", spec.activeParameters());
        fields.put("saved_share", savedShare());
        fields.put("expert_bytes", expertBytes);
        fields.put("all_expert_bytes", allExpertBytes);
        fields.put("dense_bytes", denseBytes);
        fields.put("minimum_ram_bytes", minimumBytes());
        ramBytes.ifPresent(budget -> {
            fields.put("ram_bytes", budget);
            fields.put("host_experts", slots(budget));
            fields.put("disk_only_experts", numExperts() - slots(budget));
        });
        return fields;
    }

    private long numExperts() {
        return spec.moeLayers().stream().mapToLong(MoeSpec::numExperts).sum();
    }

    private long minimumBytes() {
        return spec.moeLayers().stream()
                        .mapToLong(MoeSpec::numExpertsPerToken)
                        .max()
                        .orElse(0)
                * expertBytes;
    }

    private long slots(long budget) {
        if (budget < minimumBytes()) {
            throw new IllegalArgumentException("--ram " + ByteSize.format(budget) + " is too small: the experts of one"
                    + " token in one layer need " + minimumBytes() + " bytes");
        }
        return Math.min(numExperts(), budget / Math.max(1, expertBytes));
    }

    private double savedShare() {
        return 1 - (double) spec.activeParameters() / spec.totalParameters();
    }

    private String share(long experts) {
        return RunReport.percent((double) experts / Math.max(1, numExperts()));
    }

    private static String count(long parameters) {
        String[] units = {"", " thousand", " million", " billion", " trillion"};
        double value = parameters;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? Long.toString(parameters) : String.format(Locale.ROOT, "%.2f%s", value, units[unit]);
    }
}
