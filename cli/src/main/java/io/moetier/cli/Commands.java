package io.moetier.cli;

import io.moetier.cli.bench.BenchCommand;
import io.moetier.cli.bench.RaceCommand;
import io.moetier.cli.cluster.ClusterCommand;
import io.moetier.cli.cluster.ClusterDrainCommand;
import io.moetier.cli.cluster.ClusterPlanCommand;
import io.moetier.cli.cluster.ClusterStatusCommand;
import io.moetier.cli.cluster.NodeCommand;
import io.moetier.cli.doctor.DoctorCommand;
import io.moetier.cli.explain.ExplainCommand;
import io.moetier.cli.models.FamiliesCommand;
import io.moetier.cli.models.ImportCommand;
import io.moetier.cli.models.InspectCommand;
import io.moetier.cli.models.ListCommand;
import io.moetier.cli.models.PullCommand;
import io.moetier.cli.models.RemoveCommand;
import io.moetier.cli.models.VerifyCommand;
import io.moetier.cli.perplexity.LogitsCommand;
import io.moetier.cli.perplexity.PerplexityCommand;
import io.moetier.cli.plan.PlanCommand;
import io.moetier.cli.profiles.ProfilesCommand;
import io.moetier.cli.profiles.ProfilesCompareCommand;
import io.moetier.cli.profiles.ProfilesExportCommand;
import io.moetier.cli.profiles.ProfilesImportCommand;
import io.moetier.cli.profiles.ProfilesListCommand;
import io.moetier.cli.profiles.ProfilesRemoveCommand;
import io.moetier.cli.profiles.ProfilesShowCommand;
import io.moetier.cli.run.RunCommand;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cli.throughput.ProfileCommand;
import io.moetier.cli.trace.TraceCommand;
import io.moetier.cli.trace.TraceConvertCommand;
import io.moetier.cli.trace.TraceRecordCommand;
import io.moetier.cli.trace.TraceShowCommand;
import io.moetier.cli.tune.TuneCommand;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/// Which commands there are, in the order of the help.
///
/// To make the model of a command takes time: each of its options is looked up, and loads what its type is made of. All
/// of them took a third of what a short command takes.
final class Commands {
    private final Map<String, Supplier<Object>> byName = new LinkedHashMap<>();
    private final Streams streams;

    Commands(Surroundings surroundings, Streams streams) {
        this.streams = streams;
        byName.put("run", () -> new RunCommand(surroundings, streams));
        byName.put("pull", () -> new PullCommand(surroundings, streams));
        byName.put("list", () -> new ListCommand(surroundings, streams));
        byName.put("rm", () -> new RemoveCommand(surroundings, streams));
        byName.put("import", () -> new ImportCommand(surroundings, streams));
        byName.put("families", () -> new FamiliesCommand(streams));
        byName.put("inspect", () -> new InspectCommand(surroundings, streams));
        byName.put("verify", () -> new VerifyCommand(surroundings, streams));
        byName.put("logits", () -> new LogitsCommand(surroundings, streams));
        byName.put("explain", () -> new ExplainCommand(surroundings, streams));
        byName.put(
                "trace",
                () -> new CommandLine(new TraceCommand(streams))
                        .addSubcommand(new TraceRecordCommand(surroundings, streams))
                        .addSubcommand(new TraceShowCommand(streams))
                        .addSubcommand(new TraceConvertCommand(streams)));
        byName.put(
                "profiles",
                () -> new CommandLine(new ProfilesCommand(streams))
                        .addSubcommand(new ProfilesListCommand(surroundings, streams))
                        .addSubcommand(new ProfilesShowCommand(surroundings, streams))
                        .addSubcommand(new ProfilesCompareCommand(streams))
                        .addSubcommand(new ProfilesExportCommand(surroundings, streams))
                        .addSubcommand(new ProfilesImportCommand(surroundings, streams))
                        .addSubcommand(new ProfilesRemoveCommand(surroundings, streams)));
        byName.put("plan", () -> new PlanCommand(surroundings, streams));
        byName.put(
                "cluster",
                () -> new CommandLine(new ClusterCommand(streams))
                        .addSubcommand(new ClusterStatusCommand(surroundings, streams))
                        .addSubcommand(new ClusterPlanCommand(surroundings, streams))
                        .addSubcommand(new ClusterDrainCommand(surroundings, streams)));
        byName.put("node", () -> new NodeCommand(surroundings, streams));
        byName.put("tune", () -> new TuneCommand(surroundings, streams));
        byName.put("bench", () -> new BenchCommand(surroundings, streams));
        byName.put("profile", () -> ProfileCommand.line(surroundings, streams));
        byName.put("race", () -> new RaceCommand(surroundings, streams));
        byName.put("perplexity", () -> new PerplexityCommand(surroundings, streams));
        byName.put("doctor", () -> new DoctorCommand(surroundings, streams));
    }

    /// Returns the command that the first argument names, if it names one; else all, and the one for their help.
    List<Object> of(String... args) {
        @Nullable Supplier<Object> named = args.length == 0 ? null : byName.get(args[0]);
        return named == null
                ? Stream.concat(byName.values().stream().map(Supplier::get), Stream.of(new HelpCommand(streams)))
                        .toList()
                : List.of(named.get());
    }
}
