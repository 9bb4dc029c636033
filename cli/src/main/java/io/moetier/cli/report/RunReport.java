package io.moetier.cli.report;

import io.moetier.cli.terminal.Plural;
import io.moetier.runtime.chat.Reply;
import io.moetier.runtime.metrics.RunStats;
import io.moetier.runtime.offload.PinnedTier;
import io.moetier.runtime.offload.ResidentSummary;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.Generator.Outcome;
import io.moetier.runtime.session.Generator.StopReason;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.MemoryUse;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.ProcessMemory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The figures of one answer: as a line, as a table, as JSON.
///
/// @param bounded whether nobody said how many tokens there should be at most
/// @param diskBytesPerSecond what `doctor` has measured of this machine's disk, if it has
/// @param virtual the time of a device that is not there, if the answer was computed on one
public record RunReport(
        Engine engine, Reply reply, boolean bounded, OptionalDouble diskBytesPerSecond, Optional<VirtualTime> virtual) {
    /// Returns the one line that every run ends with.
    public String line() {
        Outcome outcome = reply.outcome();
        RunStats stats = reply.stats();
        return String.format(
                Locale.ROOT,
                "%s at %s/s, %s, %s of experts found %s, %s from disk; ended %s%s%s%s%s",
                Plural.of(outcome.promptTokens(), "prompt token"),
                rate(outcome.promptTokensPerSecond()),
                Plural.of(outcome.generatedTokens(), "token")
                        + (hasRate(outcome) ? " at " + answerRate(outcome) + "/s" : ""),
                percent(stats.hitRate()),
                engine.pinnedTier().isPresent() ? "on the GPU" : "in memory",
                ByteSize.format(stats.diskBytes()),
                ending(),
                decided(),
                MovesReport.words(engine).map(words -> "; " + words).orElse(""),
                virtual.map(time -> "; " + time.words(outcome)).orElse(""),
                ExpertsUsed.of(engine, stats).warning());
    }

    /// Returns what each tier did, over several lines.
    public String table() {
        Outcome outcome = reply.outcome();
        RunStats stats = reply.stats();
        MemoryUse memory = reply.memory();
        ResidentSummary experts = engine.expertTiers().residentSummary();
        Table phases = Table.ofFigures()
                .row("", "tokens", "tokens/s", "seconds")
                .row(
                        "prompt",
                        outcome.promptTokens(),
                        rate(outcome.promptTokensPerSecond()),
                        seconds(outcome.promptNanos()))
                .row("answer", outcome.generatedTokens(), answerRate(outcome), seconds(outcome.decodeNanos()));
        Table tiers = Table.ofFigures().row("tier", "experts", "bytes", "found here", "share");
        engine.pinnedTier()
                .map(PinnedTier::residentSummary)
                .ifPresentOrElse(
                        pinned -> addTier(addDevices(tiers), "host", pinned, stats.expertMisses() - fromDisk()),
                        () -> addTier(tiers, "host", experts, stats.expertHits()));
        tiers.row("disk", experts.numExperts(), ByteSize.format(experts.expertBytes()), fromDisk(), share(fromDisk()));
        boolean onGpu = engine.pinnedTier().isPresent();
        Table moves = Table.ofFacts();
        if (onGpu) {
            moves.row("copied to the GPU", ByteSize.format(stats.copiedBytes()));
        }
        if (stats.computedOnHost() > 0) {
            moves.row("computed on the CPU", Plural.of(stats.computedOnHost(), "expert"));
        }
        if (stats.nodeExperts() + stats.nodeMisses() > 0) {
            moves.row(
                            "computed by nodes",
                            Plural.of(stats.nodeExperts(), "expert") + ", " + Plural.of(stats.nodeRows(), "row"))
                    .row("  missing, computed here", Plural.of(stats.nodeMisses(), "expert"))
                    .row("  waited for nodes", seconds(stats.nodeWaitNanos()) + " s");
        }
        moves.row("read from disk", ByteSize.format(stats.diskBytes()))
                .row("  at", ByteSize.format(perSecond(stats.diskBytes(), stats.loadNanos())) + "/s")
                .row("  while generating", whileGenerating())
                .row("waited for experts", seconds(stats.waitNanos()) + " s")
                .row("evictions", stats.evictions())
                .row("experts used", ExpertsUsed.of(engine, stats).words());
        Table use = Table.ofFacts()
                .row(onGpu ? "experts on the GPU" : "experts in memory", ByteSize.format(memory.experts()))
                .row("other weights", ByteSize.format(memory.otherWeights()))
                .row("keys and values", ByteSize.format(memory.keyValues()))
                .row("workspace", ByteSize.format(memory.workspace()))
                .row(onGpu ? "all of these, on the GPU" : "all of these", ByteSize.format(memory.total()))
                .row("resident memory", ByteSize.format(ProcessMemory.now().residentBytes()))
                .row("  at most", ByteSize.format(ProcessMemory.now().peakResidentBytes()));
        Table run = Table.ofFacts()
                .row("computed by", engine.deviceDescription())
                .row("policy", engine.policyDescription());
        if (engine.learntTokens() > 0) {
            run.row("  learnt before", "from " + Plural.of(engine.learntTokens(), "token"));
        }
        run.row("read by", engine.ioDescription()).row("seed", reply.seed()).row("ended", ending());
        MovesReport.addTo(run, engine);
        virtual.ifPresent(time -> run.row("virtual time", time.words(outcome)));
        LookaheadReport ahead = LookaheadReport.of(engine, stats);
        return phases + "\n" + tiers + "\n" + nodes().table() + moves + "\n" + ahead.table() + "\n" + use + "\n"
                + planned(engine.memoryPlan()) + "\n" + run;
    }

    /// Returns what main memory was meant for.
    private static Table planned(MemoryPlan plan) {
        Table table = Table.ofFacts()
                .row(
                        "memory planned",
                        ByteSize.format(plan.limit().bytes()) + " of "
                                + plan.limit().what())
                .row("  left for experts", ByteSize.format(Math.max(0, plan.expertBytes())));
        plan.parts().forEach(part -> table.row("  " + part.name(), ByteSize.format(part.bytes())));
        return table;
    }

    /// Returns the figures under the names that `--json` prints.
    public Map<String, Object> fields() {
        Outcome outcome = reply.outcome();
        RunStats stats = reply.stats();
        MemoryUse memory = reply.memory();
        ResidentSummary experts = engine.expertTiers().residentSummary();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("ids", reply.ids());
        fields.put("seed", reply.seed());
        fields.put("stop_reason", outcome.reason().name().toLowerCase(Locale.ROOT));
        fields.put("prompt_tokens", outcome.promptTokens());
        fields.put("prompt_tokens_per_second", outcome.promptTokensPerSecond());
        fields.put("generated_tokens", outcome.generatedTokens());
        if (hasRate(outcome)) {
            fields.put("generated_tokens_per_second", outcome.decodeTokensPerSecond());
        }
        fields.put("experts", experts.numExperts());
        fields.put("expert_slots", experts.slots().number());
        fields.put("expert_slot_bytes", experts.slots().bytes());
        fields.putAll(MovesReport.fields(engine));
        engine.pinnedTier().map(PinnedTier::residentSummary).ifPresent(pinned -> {
            fields.put("pinned_slots", pinned.slots().number());
            fields.put("pinned_slot_bytes", pinned.slots().bytes());
            fields.put("host_hits", stats.hostHits());
            fields.put("copied_bytes", stats.copiedBytes());
            fields.put("computed_on_cpu", stats.computedOnHost());
            fields.put("vram_bytes", memory.total());
            if (!stats.deviceHits().isEmpty()) {
                fields.put("device_hits", stats.deviceHits());
            }
        });
        virtual.ifPresent(time -> fields.putAll(time.fields(outcome)));
        fields.put("other_weight_bytes", memory.otherWeights());
        fields.put("kv_bytes", memory.keyValues());
        fields.put("workspace_bytes", memory.workspace());
        fields.put("expert_hits", stats.expertHits());
        fields.put("expert_misses", stats.expertMisses());
        fields.put("expert_hit_rate", stats.hitRate());
        fields.put("evictions", stats.evictions());
        fields.putAll(ExpertsUsed.of(engine, stats).fields());
        fields.put("disk_bytes", stats.diskBytes());
        stats.decodeDiskBytesPerSecond().ifPresent(read -> {
            fields.put("generation_disk_bytes_per_second", read);
            diskBytesPerSecond.ifPresent(most -> fields.put("generation_disk_share", read / most));
        });
        if (stats.nodeExperts() + stats.nodeMisses() > 0) {
            fields.put("node_experts", stats.nodeExperts());
            fields.put("node_rows", stats.nodeRows());
            fields.put("node_misses", stats.nodeMisses());
            fields.put("node_wait_seconds", stats.nodeWaitNanos() / 1e9);
        }
        fields.putAll(nodes().fields());
        fields.put("load_seconds", stats.loadNanos() / 1e9);
        fields.put("wait_seconds", stats.waitNanos() / 1e9);
        fields.putAll(LookaheadReport.of(engine, stats).fields());
        fields.put("device", engine.deviceDescription());
        fields.put("policy", engine.policyDescription());
        fields.put("learnt_tokens", engine.learntTokens());
        fields.put("io", engine.ioDescription());
        return fields;
    }

    private NodesReport nodes() {
        Outcome outcome = reply.outcome();
        return new NodesReport(
                reply.stats().nodes(), outcome.promptNanos() + outcome.decodeNanos(), engine.nodesVerdict());
    }

    /// Says what was decided because not all experts fit.
    private String decided() {
        if (engine.allExpertsFit()) {
            return "";
        }
        String verdict = engine.prefetchTrial().verdict();
        return "; policy " + engine.policyDescription() + (verdict.isEmpty() ? "" : "; loading ahead " + verdict);
    }

    private String whileGenerating() {
        OptionalDouble read = reply.stats().decodeDiskBytesPerSecond();
        if (read.isEmpty()) {
            return "-";
        }
        double rate = read.getAsDouble();
        String share = diskBytesPerSecond.isPresent()
                ? percent(rate / diskBytesPerSecond.getAsDouble()) + " of what doctor measured"
                : "doctor measures what the disk gives";
        return ByteSize.format(rate) + "/s, " + share;
    }

    /// Adds the device, or each of several by its number in the order of `--device`.
    private Table addDevices(Table tiers) {
        RunStats stats = reply.stats();
        List<ResidentSummary> devices = engine.expertTiers().residentSummaries();
        if (devices.size() == 1) {
            return addTier(tiers, "device", devices.getFirst(), stats.expertHits());
        }
        for (int i = 0; i < devices.size(); i++) {
            addTier(tiers, "device " + i, devices.get(i), stats.deviceHits().get(i));
        }
        return tiers;
    }

    private Table addTier(Table tiers, String name, ResidentSummary tier, long found) {
        return tiers.row(
                name,
                tier.filled().number() + " of " + Plural.of(tier.slots().number(), "slot"),
                ByteSize.format(tier.filled().bytes()) + " of "
                        + ByteSize.format(tier.slots().bytes()),
                found,
                share(found));
    }

    /// Returns how many of the experts that a layer needed came from disk for it; experts loaded ahead may have come
    /// from main memory as well.
    private long fromDisk() {
        RunStats stats = reply.stats();
        return engine.pinnedTier().isPresent()
                ? Math.max(0, stats.expertMisses() - stats.hostHits())
                : stats.expertMisses();
    }

    private String share(long found) {
        RunStats stats = reply.stats();
        long needed = stats.expertHits() + stats.expertMisses();
        return percent(needed == 0 ? 0 : (double) found / needed);
    }

    /// Says whether there is a rate of the answer: the first token belongs to the prompt.
    static boolean hasRate(Outcome outcome) {
        return outcome.generatedTokens() > 1;
    }

    private static String answerRate(Outcome outcome) {
        return hasRate(outcome) ? rate(outcome.decodeTokensPerSecond()) : "-";
    }

    /// Writes tokens per second with three digits.
    public static String rate(double perSecond) {
        return perSecond >= 99.95
                ? String.format(Locale.ROOT, "%.0f", perSecond)
                : String.format(Locale.ROOT, perSecond >= 9.995 ? "%.1f" : "%.2f", perSecond);
    }

    public static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static double perSecond(long count, long nanos) {
        return nanos == 0 ? 0 : count * 1e9 / nanos;
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%.3f", nanos / 1e9);
    }

    private String ending() {
        Outcome outcome = reply.outcome();
        return switch (outcome.reason()) {
            case StopReason.END_OF_SEQUENCE -> "by the model";
            case StopReason.MAX_TOKENS ->
                bounded ? "after " + outcome.generatedTokens() + " tokens (-n -1: when the model ends)" : "by -n";
            case StopReason.CONTEXT_FULL -> "by a full context";
            case StopReason.STOP_STRING -> "by --stop";
            case StopReason.CANCELLED -> "by Ctrl-C";
        };
    }
}
