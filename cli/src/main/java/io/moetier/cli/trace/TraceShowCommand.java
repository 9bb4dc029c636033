package io.moetier.cli.trace;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.lab.balance.Balance;
import io.moetier.lab.simulate.TraceCounts;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Shows what a routing trace says of its router.
@Command(
        name = "show",
        description = {
            "Show how evenly a router chooses and how often its choices come again: balance, reuse, and how much they"
                    + " depend on the request, overall and for each layer."
        })
public final class TraceShowCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "TRACE", description = "A trace of format moe-trace/1.")
    Path trace = Path.of("");

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @Option(names = "--report", paramLabel = "FILE", description = "Write a page with charts, an HTML file.")
    @Nullable
    Path page;

    public TraceShowCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (page != null) {
            OutputFile.check(page, "--report");
        }
        BalanceReport report = new BalanceReport(trace, Balance.of(trace));
        if (page != null) {
            try (TraceReader reader = TraceReader.open(trace)) {
                OutputFile.write(page, "--report", new BalanceCharts(report, TraceCounts.of(reader)).page());
            }
        }
        streams.print(json ? Json.write(report.fields()) + "\n" : report.text());
        return Failure.OK;
    }
}
