package io.moetier.cli.throughput;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.report.Table;
import io.moetier.cli.throughput.StepWatch.Span;
import io.moetier.lab.throughput.Case;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Peaks;
import io.moetier.lab.throughput.Work;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// A sweep as a page with charts: the summary in words first, then what it is made of.
final class ProfilePage {
    private static final int BARS = 30;
    private static final int MOST_POINTS = 400;
    private static final double ROUNDING = 1e5;
    private static final double SHORTEST = 1e-4; // of a step; a span below is not drawn

    private final Findings findings;
    private final ProfileSummary summary;
    private final List<Measured> all;
    private final Map<String, Object> charts = new LinkedHashMap<>();
    private final Map<String, Object> heats = new LinkedHashMap<>();

    ProfilePage(Findings findings, ProfileSummary summary) {
        this.findings = findings;
        this.summary = summary;
        all = summary.all();
    }

    /// Returns the page.
    String html() {
        String title = "Where the time goes in " + Findings.name(findings.model());
        HtmlBody body = new HtmlBody(title);
        summary.sentences().forEach(body::paragraph);
        body.paragraph("Computed by " + findings.device() + ".");
        addRoofline(body);
        addParts(body);
        addScaling(body);
        addGains(body);
        SettingResult smallest = smallest();
        List<Round> rounds = generation(smallest);
        if (!rounds.isEmpty()) {
            addTimeline(body, smallest, rounds.getLast());
            addHeat(body, smallest, rounds);
            addHitRates(body);
            addTokenTimes(body);
        }
        addMemory(body);
        addExpectations(body);
        body.table("All points", new ProfileTable(all).points());
        for (Phase phase : Phase.values()) {
            all.stream()
                    .filter(each -> each.of().phase() == phase)
                    .findFirst()
                    .ifPresent(each -> body.table("Parts of " + each.of().fullLabel(), ProfileTable.parts(each)));
        }
        return HtmlReport.page(title, body.toString(), Map.of("charts", charts, "heats", heats));
    }

    /// Returns the setting with the least memory for experts.
    private SettingResult smallest() {
        return findings.results().stream()
                .filter(result -> result.isOfBudget(findings.results()))
                .min(Comparator.comparingLong(result -> result.held().slotBytes()))
                .orElseThrow();
    }

    /// Returns the counted rounds in which a setting generated, at the least depth.
    private static List<Round> generation(SettingResult result) {
        return result.counted().entrySet().stream()
                .filter(entry -> entry.getKey().phase() == Phase.DECODE)
                .min(Comparator.comparingInt(entry -> entry.getKey().depth()))
                .map(Map.Entry::getValue)
                .orElse(List.of());
    }

    private void addRoofline(HtmlBody body) {
        Optional<Peaks> peaks = all.stream()
                .map(Measured::peaks)
                .filter(each -> each.bytesPerSecond().isPresent()
                        && each.operationsPerSecond().isPresent())
                .findFirst();
        if (peaks.isEmpty()) {
            return;
        }
        body.chart(
                "roofline",
                "Roofline",
                "What the parts of a prompt and of a token reach, under what memory and the kernels' arithmetic allow,"
                        + " both measured on this machine, memory at the size of the whole model: a part that a nearer cache"
                        + " holds may be above it. What is near the slope waits for memory; what is near the"
                        + " flat roof computes.");
        List<Map<String, Object>> points = new ArrayList<>();
        for (Phase phase : Phase.values()) {
            findings.results().getFirst().measured().stream()
                    .filter(each -> each.of().phase() == phase)
                    .max(Comparator.comparingInt(each -> each.of().tokens()))
                    .ifPresent(each -> addPoints(points, each));
        }
        charts.put(
                "roofline",
                Map.of(
                        "kind",
                        "roofline",
                        "bytes",
                        peaks.get().bytesPerSecond().orElseThrow(),
                        "operations",
                        peaks.get().operationsPerSecond().orElseThrow(),
                        "points",
                        points));
    }

    private static void addPoints(List<Map<String, Object>> points, Measured of) {
        String phase = of.of().label();
        of.parts().byKind().forEach((kind, part) -> {
            Work work = part.work();
            if (part.seconds() > 0 && work.bytes() > 0) {
                points.add(Map.of(
                        "name",
                        phase + ": " + kind,
                        "intensity",
                        work.intensity(),
                        "rate",
                        work.operations() / part.seconds()));
            }
        });
    }

    private void addParts(HtmlBody body) {
        body.chart(
                "parts",
                "What a token consists of",
                "Milliseconds of a generated token, by part, for each point of the sweep; the last is between steps.");
        List<Measured> generated =
                all.stream().filter(each -> each.of().phase() == Phase.DECODE).toList();
        List<String> kinds = generated.stream()
                .flatMap(each -> each.parts().byKind().keySet().stream())
                .distinct()
                .toList();
        List<Map<String, Object>> rows = generated.stream()
                .map(each -> {
                    List<Double> millis = kinds.stream()
                            .map(kind -> rounded(1e3 * each.parts().seconds(kind)))
                            .toList();
                    List<String> texts =
                            millis.stream().map(value -> value + " ms").toList();
                    return row(shortLabel(each.of()), millis, texts);
                })
                .toList();
        charts.put("parts", Map.of("kind", "stacks", "names", kinds, "rows", rows));
    }

    static String shortLabel(Case of) {
        String threads = of.threads() == 0 ? "GPU" : of.threads() + " thr.";
        return Case.setting(of.budget(), 0, of.maxKld()) + ", " + threads + ", at " + of.depth();
    }

    private static Map<String, Object> row(String name, List<Double> values, List<String> texts) {
        return Map.of("name", name, "values", values, "texts", texts);
    }

    private void addScaling(HtmlBody body) {
        List<Integer> threads = all.stream()
                .map(each -> each.of().threads())
                .distinct()
                .sorted()
                .toList();
        if (threads.size() < 2) {
            return;
        }
        body.chart(
                "scaling",
                "More threads",
                "Tokens a second by threads; dashed: if each thread brought as much as the first.");
        String budget = all.stream()
                .filter(each -> each.of().threads() == threads.getFirst())
                .findFirst()
                .orElseThrow()
                .of()
                .budget();
        Map<String, Map<Integer, Double>> lines = new LinkedHashMap<>();
        all.stream()
                .filter(each -> each.of().budget().equals(budget) && each.of().maxKld() == 0)
                .forEach(each -> lines.computeIfAbsent(each.of().label(), _ -> new LinkedHashMap<>())
                        .put(each.of().threads(), each.tokensPerSecond().value()));
        List<Map<String, Object>> series = new ArrayList<>();
        lines.forEach((label, rates) -> {
            series.add(series(
                    label,
                    false,
                    threads.stream().map(n -> rates.getOrDefault(n, 0.0)).toList()));
            double first = rates.getOrDefault(threads.getFirst(), 0.0) / threads.getFirst();
            series.add(series(
                    label + ", ideal",
                    true,
                    threads.stream().map(n -> n * first).toList()));
        });
        charts.put("scaling", curves("threads", threads, series, false));
    }

    private void addGains(HtmlBody body) {
        List<Gain> gains = findings.gains();
        if (gains.isEmpty()) {
            return;
        }
        Measured exact = gains.getFirst().exact();
        body.chart(
                "gains",
                "Speed for loss",
                "Tokens a second by how much may be lost of a token on average, in nats of KL divergence from the whole"
                        + " model; 0 is the whole model. With "
                        + Case.setting(exact.of().budget(), exact.of().threads(), 0) + ".");
        List<Double> limits = new ArrayList<>(List.of(0.0));
        List<Double> rates = new ArrayList<>(List.of(Gain.rate(exact)));
        gains.forEach(gain -> {
            limits.add(gain.lossy().of().maxKld());
            rates.add(Gain.rate(gain.lossy()));
        });
        charts.put("gains", curves("nats", limits, List.of(series(exact.of().label(), false, rates)), false));
    }

    private static Map<String, Object> series(String name, boolean dashed, List<Double> values) {
        return Map.of("name", name, "dashed", dashed, "values", values);
    }

    private static Map<String, Object> curves(
            String label, List<? extends Number> x, List<Map<String, Object>> series, boolean percent) {
        return Map.of("kind", "curves", "label", label, "x", x, "series", series, "percent", percent);
    }

    private void addTimeline(HtmlBody body, SettingResult of, Round round) {
        List<Span> spans = round.lastStep();
        if (spans.isEmpty()) {
            return;
        }
        body.chart(
                "timeline",
                "One token",
                "The last token of the last round, with " + of.setting().label()
                        + ": what the computation is busy with,"
                        + " what it waits for, and what comes from disk meanwhile. Point at a span for its length.");
        double end = spans.stream().mapToLong(Span::endNanos).max().orElse(1) / 1e6;
        List<String> rows = spans.stream().map(Span::row).distinct().toList();
        List<String> names = new ArrayList<>();
        List<Map<String, Object>> drawn = new ArrayList<>();
        for (Span span : spans) {
            String name = span.name().startsWith("expert ") ? span.row() : span.name();
            if (!names.contains(name)) {
                names.add(name);
            }
            if (span.endNanos() - span.startNanos() >= SHORTEST * end * 1e6) {
                drawn.add(Map.of(
                        "row", rows.indexOf(span.row()),
                        "name", name,
                        "text", span.name() + (span.layer() < 0 ? "" : " of layer " + span.layer()),
                        "start", rounded(span.startNanos() / 1e6),
                        "end", rounded(span.endNanos() / 1e6)));
            }
        }
        charts.put("timeline", Map.of("kind", "spans", "rows", rows, "names", names, "spans", drawn, "end", end));
    }

    private void addHeat(HtmlBody body, SettingResult of, List<Round> rounds) {
        List<Integer> layers = IntStream.range(
                        0, findings.model().spec().layers().size())
                .filter(layer ->
                        findings.model().spec().layers().get(layer).moe().isPresent())
                .boxed()
                .toList();
        long[][] uses = sum(rounds, true);
        long[][] hits = sum(rounds, false);
        double tokens = rounds.stream().mapToInt(round -> round.steps().length).sum();
        double[][] reads = new double[uses.length][uses[0].length];
        rounds.forEach(round -> round.readNanos()
                .forEach((id, nanos) -> reads[ExpertId.layerOf(id)][ExpertId.expertOf(id)] += nanos / 1e6 / tokens));
        String where = " With " + of.setting().label() + "; layers downwards, experts to the right.";
        body.chart("use", "How often each expert is used", "As a share of all tokens that were generated." + where);
        heats.put("use", heat(layers, (l, e) -> uses[l][e] / tokens, uses[0].length, true));
        body.chart("found", "How often it is found in memory", "As a share of its uses." + where);
        heats.put(
                "found",
                heat(layers, (l, e) -> uses[l][e] == 0 ? 0 : (double) hits[l][e] / uses[l][e], uses[0].length, true));
        if (Arrays.stream(reads).flatMapToDouble(Arrays::stream).anyMatch(millis -> millis > 0)) {
            body.chart("reads", "How long its reads take", "Milliseconds a token." + where);
            heats.put("reads", heat(layers, (l, e) -> reads[l][e], uses[0].length, false));
        }
    }

    private static long[][] sum(List<Round> rounds, boolean uses) {
        long[][] sum = new long[rounds.getFirst().tally().uses().length]
                [rounds.getFirst().tally().uses()[0].length];
        for (Round round : rounds) {
            long[][] counts = uses ? round.tally().uses() : round.tally().hits();
            for (int l = 0; l < sum.length; l++) {
                for (int e = 0; e < sum[l].length; e++) {
                    sum[l][e] += counts[l][e];
                }
            }
        }
        return sum;
    }

    /// A figure of an expert.
    @FunctionalInterface
    private interface OfExpert {
        double get(int layer, int expert);
    }

    private static Map<String, Object> heat(List<Integer> layers, OfExpert value, int experts, boolean percent) {
        List<List<Double>> rows = layers.stream()
                .map(layer -> IntStream.range(0, experts)
                        .mapToObj(expert -> rounded(value.get(layer, expert)))
                        .toList())
                .toList();
        return Map.of(
                "rows",
                rows,
                "labels",
                layers.stream().map(layer -> "layer " + layer).toList(),
                "percent",
                percent);
    }

    /// Draws what was found over all tokens that were generated, those of the warm-up too: how caches fill.
    private void addHitRates(HtmlBody body) {
        List<Map<String, Object>> series = new ArrayList<>();
        int longest = 0;
        for (SettingResult result : findings.results()) {
            if (result.isOfBudget(findings.results())) {
                List<Double> rates = result.rounds().entrySet().stream()
                        .filter(entry -> entry.getKey().phase() == Phase.DECODE)
                        .min(Comparator.comparingInt(entry -> entry.getKey().depth()))
                        .map(entry -> entry.getValue().stream()
                                .flatMap(round -> round.tally().hitRates().stream())
                                .limit(MOST_POINTS)
                                .map(ProfilePage::rounded)
                                .toList())
                        .orElse(List.of());
                longest = Math.max(longest, rates.size());
                series.add(series(result.setting().label(), false, rates));
            }
        }
        body.chart(
                "hitrates",
                "Hit rate over time",
                "The share of experts that a token found in memory, token after token from the first on, the warm-up"
                        + " included.");
        charts.put(
                "hitrates", curves("token", IntStream.range(0, longest).boxed().toList(), series, true));
    }

    private void addTokenTimes(HtmlBody body) {
        List<SettingResult> shown = findings.results().stream()
                .filter(result -> result.isOfBudget(findings.results()))
                .toList();
        List<double[]> millis = shown.stream()
                .map(result -> generation(result).stream()
                        .flatMapToLong(round -> Arrays.stream(round.steps()))
                        .mapToDouble(nanos -> nanos / 1e6)
                        .toArray())
                .toList();
        double least = millis.stream().flatMapToDouble(Arrays::stream).min().orElse(1);
        double most = Math.max(
                1.01 * least,
                millis.stream().flatMapToDouble(Arrays::stream).max().orElse(1));
        double step = Math.log(most / least) / BARS;
        List<Map<String, Object>> series = new ArrayList<>();
        for (int i = 0; i < shown.size(); i++) {
            double[] shares = new double[BARS];
            for (double each : millis.get(i)) {
                shares[Math.min(BARS - 1, (int) (Math.log(each / least) / step))] += 1.0 / millis.get(i).length;
            }
            series.add(series(
                    shown.get(i).setting().label(),
                    false,
                    Arrays.stream(shares).boxed().toList()));
        }
        body.chart(
                "tokentimes",
                "How long tokens take",
                "The share of tokens by their milliseconds, on a logarithmic axis: a second hill is what waits.");
        List<Double> x = IntStream.range(0, BARS)
                .mapToObj(i -> least * Math.exp((i + 0.5) * step))
                .toList();
        Map<String, Object> chart = new LinkedHashMap<>(curves("milliseconds", x, series, true));
        chart.put("logarithmic", true);
        charts.put("tokentimes", chart);
    }

    private void addMemory(HtmlBody body) {
        body.chart("memory", "Where the bytes are", "Memory and disk, for each setting; the table has the figures.");
        List<String> tiers = findings.results().stream()
                .flatMap(result -> result.held().tiers().keySet().stream())
                .distinct()
                .toList();
        List<Map<String, Object>> rows = new ArrayList<>();
        Table table = Table.ofFigures();
        List<Object> head = new ArrayList<>(List.of("setting"));
        head.addAll(tiers);
        table.row(head.toArray());
        for (SettingResult result : findings.results()) {
            List<Long> bytes = tiers.stream()
                    .map(tier -> result.held().tiers().getOrDefault(tier, 0L))
                    .toList();
            List<String> texts = bytes.stream().map(ByteSize::format).toList();
            rows.add(row(
                    result.setting().label(),
                    bytes.stream().map(Long::doubleValue).toList(),
                    texts));
            List<Object> cells = new ArrayList<>(List.of(result.setting().label()));
            cells.addAll(texts);
            table.row(cells.toArray());
        }
        charts.put("memory", Map.of("kind", "stacks", "names", tiers, "rows", rows));
        body.table("Bytes", table);
    }

    private void addExpectations(HtmlBody body) {
        if (findings.expectations().isEmpty()) {
            return;
        }
        Table table = Table.ofFigures().row("setting", "part", "expected, ms", "measured, ms");
        for (Expectation each : findings.expectations()) {
            each.predicted()
                    .forEach((part, seconds) -> table.row(
                            each.setting().label(),
                            part,
                            rounded(1e3 * seconds),
                            rounded(1e3 * each.measured().getOrDefault(part, 0.0))));
        }
        body.table(
                "Expected and measured",
                findings.expectations().stream().map(Expectation::sentence).toList(),
                table);
    }

    /// Keeps the page small.
    private static double rounded(double value) {
        return Math.round(value * ROUNDING) / ROUNDING;
    }
}
