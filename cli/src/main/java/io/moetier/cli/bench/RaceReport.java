package io.moetier.cli.bench;

import io.moetier.cli.doctor.Diagnosis;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.storage.expert.DiskRate;
import io.moetier.storage.memory.ByteSize;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// What a race has shown so far, limit by limit.
final class RaceReport {
    private static final List<String> HEAD = List.of(
            "engine",
            "memory",
            "prompt",
            "generation",
            "steady",
            "ratio",
            "seconds",
            "read",
            "of the disk",
            "peak",
            "");

    private final List<Leg> legs = new ArrayList<>();

    /// One limit.
    ///
    /// @param disk what the disk gave at that time
    /// @param own runs of Moetier
    /// @param others runs of the other engine
    record Leg(MemoryShare memory, DiskRate disk, List<RaceResult> own, List<RaceResult> others) {
        private List<RaceResult> results() {
            return Stream.concat(own.stream(), others.stream()).toList();
        }

        /// Returns how many times as fast as this Moetier was with the first of its settings that came that far.
        private OptionalDouble ratio(Steps steps) {
            return own.stream()
                    .flatMap(result -> result.steps().stream())
                    .mapToDouble(Steps::steadyRate)
                    .filter(_ -> steps.steadyRate() > 0)
                    .map(rate -> rate / steps.steadyRate())
                    .findFirst();
        }

        private List<String> row(RaceResult result) {
            List<String> cells = new ArrayList<>(List.of(result.engine(), memory.words()));
            cells.addAll(result.steps().map(this::speeds).orElse(List.of("", "", "", "")));
            cells.add(String.format(Locale.ROOT, "%.1f", result.wallSeconds()));
            cells.add(ByteSize.format(result.readBytes()));
            cells.add(result.steps()
                    .filter(steps -> steps.steadyRate() > 0)
                    .map(steps -> RunReport.percent(shareOfDisk(steps)))
                    .orElse(""));
            cells.add(
                    result.peakBytes().isPresent()
                            ? ByteSize.format(result.peakBytes().getAsLong())
                            : "");
            cells.add(result.remark());
            return cells;
        }

        private List<String> speeds(Steps steps) {
            return List.of(
                    RunReport.rate(steps.promptRate()),
                    RunReport.rate(steps.rate()),
                    RunReport.rate(steps.steadyRate()),
                    ratio(steps).stream().mapToObj(RunReport::rate).findFirst().orElse(""));
        }

        private double shareOfDisk(Steps steps) {
            return steps.steadyBytesPerSecond() / disk.bytesPerSecond();
        }

        private Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("memory", memory.words());
            fields.put("memory_bytes", memory.bytes());
            fields.put("disk_bytes_per_second", disk.bytesPerSecond());
            fields.put("disk_readers", disk.readers());
            fields.put("runs", results().stream().map(this::fields).toList());
            return fields;
        }

        private Map<String, Object> fields(RaceResult result) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("engine", result.engine());
            result.steps().ifPresent(steps -> {
                fields.put("prompt_tokens_per_second", steps.promptRate());
                if (steps.rate() > 0) {
                    fields.put("generated_tokens", steps.tokens().size());
                    fields.put("generated_tokens_per_second", steps.rate());
                    fields.put("steady_tokens_per_second", steps.steadyRate());
                    ratio(steps).ifPresent(ratio -> fields.put("ratio", ratio));
                    fields.put("disk_share", shareOfDisk(steps));
                }
            });
            fields.put("wall_seconds", result.wallSeconds());
            fields.put("read_bytes", result.readBytes());
            result.peakBytes().ifPresent(peak -> fields.put("peak_bytes", peak));
            if (!result.remark().isEmpty()) {
                fields.put("remark", result.remark());
            }
            return fields;
        }
    }

    void add(Leg leg) {
        legs.add(leg);
    }

    /// Returns the figures for people.
    ///
    /// @param facts what else there is to know, by name
    String table(Map<String, String> facts) {
        Table figures = Table.ofFigures().row(HEAD.toArray());
        rows().forEach(row -> figures.row(row.toArray()));
        Table others = Table.ofFacts();
        legs.forEach(leg -> others.row("disk at " + leg.memory().words(), disk(leg)));
        facts.forEach(others::row);
        return figures + "\n" + others;
    }

    /// Returns the figures as a table in Markdown.
    String markdown() {
        StringBuilder text = new StringBuilder(line(HEAD))
                .append(line(HEAD.stream().map(_ -> "---").toList()));
        rows().forEach(row -> text.append(line(row)));
        return text.toString();
    }

    /// Returns the figures under the names that `--json` prints.
    List<Map<String, Object>> fields() {
        return legs.stream().map(Leg::fields).toList();
    }

    private List<List<String>> rows() {
        return legs.stream()
                .flatMap(leg -> leg.results().stream().map(leg::row))
                .toList();
    }

    private static String disk(Leg leg) {
        return Diagnosis.gigabytesPerSecond(leg.disk().bytesPerSecond()) + " by "
                + leg.disk().readers() + " at once, " + leg.disk().way();
    }

    private static String line(List<String> cells) {
        List<String> escaped = cells.stream()
                .map(cell -> cell.replace("\n", " ").replace("|", "\\|"))
                .toList();
        return "| " + String.join(" | ", escaped) + " |\n";
    }
}
