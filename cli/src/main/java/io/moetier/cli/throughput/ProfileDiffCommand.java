package io.moetier.cli.throughput;

import io.moetier.cli.option.About;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Numbers;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.lab.throughput.Comparison;
import io.moetier.lab.throughput.Comparison.Change;
import io.moetier.lab.throughput.Measured;
import io.moetier.lab.throughput.Throughput;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Says what became slower from one measurement to another.
@About(Topic.MEASUREMENT)
@Command(
        name = "diff",
        description = "Say what became slower from one file of profile --json to another, and how sure that is. Ends"
                + " with 1 if anything is slower by more than the threshold, with 0 if not, with 2 if the files cannot"
                + " be compared.")
final class ProfileDiffCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "A.json", description = "What was measured before.")
    Path before = Path.of("");

    @Parameters(index = "1", paramLabel = "B.json", description = "What was measured after.")
    Path after = Path.of("");

    @Option(
            names = "--threshold",
            paramLabel = "SHARE",
            defaultValue = "5%",
            description = "By how much a step may take longer; default: ${DEFAULT-VALUE}.")
    String threshold = "5%";

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the resampling; default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    ProfileDiffCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        double share = share(threshold);
        Throughput a = read(before);
        Throughput b = read(after);
        Comparison comparison = Comparison.of(a, b, share, seed);
        if (comparison.changes().isEmpty()) {
            throw new IllegalArgumentException(before + " and " + after + " have no point in common");
        }
        streams.print(json ? Json.write(fields(a, b, comparison)) + "\n" : text(a, b, comparison));
        return comparison.hasRegression() ? Failure.FAILED : Failure.OK;
    }

    private static double share(String text) {
        try {
            double percent = Numbers.decimal(text.endsWith("%") ? text.substring(0, text.length() - 1) : "");
            if (percent >= 0 && percent < 1000) {
                return percent / 100;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new IllegalArgumentException("--threshold: expected a share such as 5%, found '" + text + "'");
    }

    /// A file that cannot be used is a wrong command line: 1 is for what became slower.
    private static Throughput read(Path file) {
        try {
            return Throughput.read(file);
        } catch (MalformedModelException | UncheckedIOException e) {
            throw new IllegalArgumentException(Failure.of(e).sentence(), e);
        }
    }

    private String text(Throughput a, Throughput b, Comparison comparison) {
        List<String> sentences = new ArrayList<>();
        comparison.changes().stream().filter(Change::isRegression).forEach(change -> sentences.add(sentence(change)));
        if (sentences.isEmpty() && !comparison.changes().stream().allMatch(Change::isUndecided)) {
            sentences.add("Nothing is slower by more than " + threshold + " with a probability of 99 %.");
        }
        sentences.addAll(notes(a, b, comparison));
        Table table = Table.ofFigures().row("test", "takes", "95 %", "slower", "beyond " + threshold);
        for (Change change : comparison.changes()) {
            table.row(
                    change.of().fullLabel(),
                    percent(change.ratio().value()),
                    percent(change.ratio().low()) + " to "
                            + percent(change.ratio().high()),
                    String.format(Locale.ROOT, "%.1f %%", 100 * change.slower()),
                    change.isUndecided() ? "–" : change.isRegression() ? "yes" : "no");
        }
        return String.join("\n", sentences) + "\n\n" + table;
    }

    private static String sentence(Change change) {
        Map.Entry<String, Double> most = change.parts().entrySet().iterator().next();
        return String.format(
                Locale.ROOT,
                "Slower: %s takes %s of the time, with a probability of %.2f %% beyond the threshold; most of it is %s,"
                        + " %+.3f ms.",
                change.of().fullLabel(),
                percent(change.ratio().value()),
                100 * (1 - change.error()),
                most.getKey(),
                1e3 * most.getValue());
    }

    /// Returns what makes the comparison worth less.
    private List<String> notes(Throughput a, Throughput b, Comparison comparison) {
        List<String> notes = new ArrayList<>();
        long undecided =
                comparison.changes().stream().filter(Change::isUndecided).count();
        if (undecided > 0) {
            notes.add("Undecided: " + undecided + " of "
                    + Plural.of(comparison.changes().size(), "point")
                    + (undecided == 1 ? " has" : " have") + " fewer than " + Comparison.LEAST_ROUNDS
                    + " rounds; more --seconds of profile give more.");
        }
        if (!a.model().equals(b.model()) || !a.device().equals(b.device())) {
            notes.add(
                    "Not alike: " + a.model() + " by " + a.device() + ", and " + b.model() + " by " + b.device() + ".");
        }
        notes.addAll(machine(a, b));
        if (!comparison.missing().isEmpty()) {
            int missing = comparison.missing().size();
            notes.add(Plural.of(missing, "point") + (missing == 1 ? " is" : " are") + " in one of the files alone.");
        }
        return notes;
    }

    /// Says so where the machine itself was slower.
    private List<String> machine(Throughput a, Throughput b) {
        double before = memory(a);
        double after = memory(b);
        return before > 0 && after > 0 && Math.abs(after / before - 1) > share(threshold)
                ? List.of(String.format(
                        Locale.ROOT,
                        "The machine was not alike: its memory gave %.1f GB/s before and %.1f after.",
                        before / 1e9,
                        after / 1e9))
                : List.of();
    }

    private static double memory(Throughput of) {
        return of.cases().stream()
                .map(Measured::peaks)
                .flatMapToDouble(peaks -> peaks.bytesPerSecond().stream())
                .max()
                .orElse(0);
    }

    private static String percent(double ratio) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * ratio);
    }

    private Map<String, Object> fields(Throughput a, Throughput b, Comparison comparison) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("threshold", share(threshold));
        fields.put("regression", comparison.hasRegression());
        fields.put("notes", notes(a, b, comparison));
        fields.put(
                "changes",
                comparison.changes().stream()
                        .map(change -> {
                            Map<String, Object> of = new LinkedHashMap<>();
                            of.put("test", change.of().fullLabel());
                            of.put("rounds", change.rounds());
                            of.put("ratio", change.ratio().value());
                            of.put("low", change.ratio().low());
                            of.put("high", change.ratio().high());
                            of.put("slower", change.slower());
                            of.put("error", change.error());
                            of.put("regression", change.isRegression());
                            of.put("longer_seconds", change.parts());
                            return of;
                        })
                        .toList());
        return fields;
    }
}
