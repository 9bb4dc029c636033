package io.moetier.cli.throughput;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.models.ModelSummary;
import io.moetier.cli.option.About;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.OptionList;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.TerminalChart;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.throughput.Measured;
import io.moetier.runtime.metrics.FlightRecording;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;

/// Measures where the time goes.
@About(Topic.MEASUREMENT)
@Command(
        name = "profile",
        customSynopsis = {"moetier profile [OPTIONS] MODEL", "moetier profile diff [OPTIONS] A.json B.json"},
        description = {
            "Measure where the time goes, over prompts, depths, budgets and threads: how fast, what bounds it, what is"
                    + " waited for, and what was expected.",
            "profile diff A.json B.json says what became slower. (What runs of a person learn is in profiles.)"
        })
public final class ProfileCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ModelOptions model = new ModelOptions();

    @Mixin
    Sweep sweep = new Sweep();

    @About(Topic.REPORTS)
    @Option(names = "--report", paramLabel = "FILE", description = "Write a page with charts, an HTML file.")
    @Nullable
    Path page;

    @About(Topic.REPORTS)
    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Write every figure and every step's time as JSON, for profile diff.")
    @Nullable
    Path json;

    @About(Topic.REPORTS)
    @Option(
            names = "--jfr",
            paramLabel = "FILE",
            description = "Record what is measured with the JDK's Flight Recorder, which costs a little speed.")
    @Nullable
    Path jfr;

    private ProfileCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// Returns the command with those below it, which need no model.
    public static CommandLine line(Surroundings surroundings, Streams streams) {
        CommandLine line = new CommandLine(new ProfileCommand(surroundings, streams));
        CommandSpec spec = line.getCommandSpec();
        PositionalParamSpec required = spec.positionalParameters().getFirst();
        spec.remove(required);
        spec.addPositional(PositionalParamSpec.builder(required)
                .arity("0..1")
                .required(false)
                .build());
        for (OptionSpec option : List.copyOf(spec.options())) {
            if (OptionList.topic(option) == Topic.CLUSTER) { // none goes with it, which Sweep says with the reason
                spec.remove(option);
                spec.addOption(OptionSpec.builder(option).hidden(true).build());
            }
        }
        return line.addSubcommand(new ProfileDiffCommand(streams));
    }

    @Override
    public Integer call() throws IOException {
        if (model.model.equals(Path.of(""))) {
            throw new IllegalArgumentException("missing required parameter: 'MODEL'; see moetier profile --help");
        }
        check(page, "--report");
        check(json, "--json");
        check(jfr, "--jfr");
        if (sweep.limitsLoss()) {
            model.limitLater();
        }
        EngineConfig asked = model.config(surroundings, streams);
        sweep.check(asked);
        EngineConfig config = LibraryTerminal.stores(surroundings, streams).withStoreOfCopies(asked);
        model.model = LibraryTerminal.located(model.model, surroundings, streams);
        Findings findings = findings(config);
        ProfileSummary summary = new ProfileSummary(findings);
        streams.print(text(findings, summary));
        if (json != null) {
            OutputFile.write(json, "--json", Json.write(findings.fields()) + "\n");
        }
        if (page != null) {
            OutputFile.write(page, "--report", new ProfilePage(findings, summary).html());
        }
        return Failure.OK;
    }

    private static void check(@Nullable Path file, String option) throws IOException {
        if (file != null) {
            OutputFile.check(file, option);
        }
    }

    private Findings findings(EngineConfig config) throws IOException {
        try (CleanStop _ = CleanStop.open(); // the trace that is recorded does not stay
                SweepRun run =
                        new SweepRun(ModelSummary.of(model.model), config, sweep, surroundings.cacheDirectory())) {
            if (jfr == null) {
                return run.run(surroundings, streams);
            }
            try (OutputFile file = OutputFile.create(jfr, "--jfr");
                    FlightRecording recording = FlightRecording.start()) {
                Findings findings = run.run(surroundings, streams);
                recording.write(file.unfinished());
                file.publish();
                return findings;
            }
        }
    }

    private String text(Findings findings, ProfileSummary summary) {
        List<Measured> all = findings.measured();
        StringBuilder text = new StringBuilder(String.join("\n", summary.sentences()));
        text.append("\n\n").append(new ProfileTable(all).points());
        if (surroundings.outputIsTerminal()) {
            TerminalChart chart = new TerminalChart();
            all.stream()
                    .filter(each -> each.of().phase() == Phase.DECODE)
                    .forEach(each -> chart.bar(
                            each.of().fullLabel(),
                            each.tokensPerSecond().value(),
                            RunReport.rate(each.tokensPerSecond().value()) + " tokens/s"));
            text.append('\n').append(chart);
        }
        for (Phase phase : Phase.values()) {
            all.stream()
                    .filter(each -> each.of().phase() == phase)
                    .findFirst()
                    .ifPresent(each -> text.append('\n')
                            .append(each.of().fullLabel())
                            .append('\n')
                            .append(ProfileTable.parts(each)));
        }
        text.append("\ncomputed by  ").append(findings.device()).append('\n');
        return text.toString();
    }
}
