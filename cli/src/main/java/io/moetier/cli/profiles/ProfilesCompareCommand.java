package io.moetier.cli.profiles;

import io.moetier.cli.option.ExpertShare;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.lab.simulate.WarmStarts;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.cache.PolicyFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Compares what requests begin with.
@Command(
        name = "compare",
        description = "Show what profiles bring: the first half of each trace makes one, and the first tokens of each"
                + " request in the second halves begin with none, with that of each trace, with all together, and with"
                + " the nearest to what they choose.")
public final class ProfilesCompareCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(
            index = "0..*",
            arity = "2..*",
            paramLabel = "TRACE",
            description = "Traces of one model, each of another kind of work.")
    List<Path> traces = new ArrayList<>();

    @Option(
            names = "--budgets",
            paramLabel = "SHARE",
            split = ",",
            hideParamSyntax = true,
            defaultValue = "25%,50%,75%",
            description = "Shares of all experts that there is room for; default: ${DEFAULT-VALUE}.")
    List<String> budgets = List.of();

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = "gate",
            description = "The policy of the caches; default: ${DEFAULT-VALUE}.")
    String policy = "gate";

    public ProfilesCompareCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        if (Policies.needsCensus(policy)) {
            throw new IllegalArgumentException("--policy: expected one that needs no census, found '" + policy + "'");
        }
        if (!Policies.isKnown(policy)) {
            throw new IllegalArgumentException(
                    "--policy: expected one of " + Policies.describe() + ", found '" + policy + "'");
        }
        PolicyFactory factory = Policies.of(policy);
        List<Double> shares = budgets.stream()
                .map(text -> ExpertShare.parse("--budgets", text.strip()))
                .toList();
        WarmStarts starts = WarmStarts.read(traces);
        streams.print("hit rate of the first " + WarmStarts.FIRST_TOKENS + " tokens of requests, policy " + policy
                + ", by what they begin with\n\n");
        streams.print(table(starts, shares, factory) + "\n" + found(starts));
        return Failure.OK;
    }

    private Table table(WarmStarts starts, List<Double> shares, PolicyFactory factory) {
        int n = traces.size();
        List<Object> head = new ArrayList<>(List.of("trace", "budget", "nothing"));
        IntStream.rangeClosed(1, n).forEach(i -> head.add("trace " + i));
        head.addAll(List.of("all", "nearest"));
        Table table = Table.ofFigures().row(head.toArray());
        for (int i = 0; i < n; i++) {
            for (int b = 0; b < shares.size(); b++) {
                WarmStarts.HitRates rates = starts.hitRates(i, shares.get(b), factory);
                List<Object> row = new ArrayList<>();
                row.add((i + 1) + " " + traces.get(i).getFileName());
                row.add(budgets.get(b).strip());
                row.add(percent(rates.nothing()));
                rates.each().forEach(rate -> row.add(percent(rate)));
                row.add(percent(rates.together()));
                row.add(percent(rates.nearest()));
                table.row(row.toArray());
            }
        }
        return table;
    }

    private static String found(WarmStarts starts) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < starts.traces().size(); i++) {
            text.append("of the ")
                    .append(Plural.of(starts.numRequests(i), "request"))
                    .append(" of trace ")
                    .append(i + 1)
                    .append(", its own profile is the nearest to ")
                    .append(percent(starts.shareFoundByNearest(i)))
                    .append('\n');
        }
        return text.toString();
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
