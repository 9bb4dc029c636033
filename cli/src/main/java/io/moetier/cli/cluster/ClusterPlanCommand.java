package io.moetier.cli.cluster;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.option.About;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.cluster.Cluster;
import io.moetier.lab.cluster.ClusterModel;
import io.moetier.lab.cluster.ClusterPlan;
import io.moetier.lab.cluster.Machine;
import io.moetier.lab.cluster.Node;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Says what a model would do over several machines, before there are any.
@About(Topic.MEASUREMENT)
@Command(
        name = "plan",
        description = "Say how long a token would take over 2, 3, 4 or more nodes and where the time goes, whether they"
                + " pay, and when more of them stop helping.")
public final class ClusterPlanCommand implements Callable<Integer> {
    private static final int MOST_NODES = 1000;

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    PlannedModelOptions model = new PlannedModelOptions();

    @Option(
            names = "--nodes",
            paramLabel = "N,…",
            split = ",",
            hideParamSyntax = true,
            defaultValue = "2,3,4,8,16,32,64",
            description = "Numbers of nodes to try, rising; default: ${DEFAULT-VALUE}.")
    List<Integer> counts = List.of();

    @Option(
            names = "--node",
            paramLabel = "KIND",
            description = {
                "A kind of node, as ram=24G,memory=40G,disk=1.2G,rtt=200us,link=1G: memory for experts, what it reads"
                        + " of memory and disk in a second, the round trip, and bits a second of its link. Several"
                        + " kinds take turns. Default: machines like this one, with the round trip and link above."
            })
    List<String> kinds = new ArrayList<>();

    @Option(
            names = "--driver",
            paramLabel = "KIND",
            description = "The machine that drives, in the same form without rtt; its link is shared by all nodes."
                    + " Default: this machine as doctor measured it, with a link as fast as the fastest node's.")
    @Nullable
    String driver;

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @About(Topic.REPORTS)
    @Option(names = "--report", paramLabel = "FILE", description = "Write a page, an HTML file.")
    @Nullable
    Path page;

    public ClusterPlanCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (page != null) {
            OutputFile.check(page, "--report");
        }
        checkCounts();
        MachineKind driverKind = driver == null ? MachineKind.unsaid("this machine") : driverKind(driver);
        List<MachineKind> nodeKinds = kinds.isEmpty()
                ? List.of(MachineKind.unsaid("like this machine"))
                : kinds.stream().map(kind -> MachineKind.parse(kind, "--node")).toList();
        PlannedModelOptions.Known known = model.read(surroundings, streams);
        requireRoom(nodeKinds, known.model());
        boolean isMeasured = driverKind.isLikeHere() || nodeKinds.stream().anyMatch(MachineKind::isLikeHere);
        Optional<MachineProfile> here = isMeasured
                ? new MachineFile(surroundings, streams).current() // may take a minute to measure
                : Optional.empty();
        Machine drives = driverKind.machine("driver", here, known.ramBytes(), "--driver");
        List<Node> nodes = nodeKinds.stream()
                .map(kind -> new Node(kind.machine(kind.spelling(), here, known.ramBytes(), "--node"), kind.link()))
                .toList();
        double shared = driverKind
                .linkRate()
                .orElseGet(() -> nodes.stream()
                        .mapToDouble(node -> node.link().bytesPerSecond())
                        .max()
                        .orElseThrow());
        ClusterPlan.Question question = new ClusterPlan.Question(
                known.model(), known.choices(), new Cluster(drives, shared, List.of()), nodes, counts);
        ClusterPlanReport report = new ClusterPlanReport(known, question, ClusterPlan.of(question));
        if (page != null) {
            OutputFile.write(page, "--report", report.page());
        }
        streams.print(json ? Json.writePretty(report.fields()) + "\n" : report.text());
        return Failure.OK;
    }

    private static MachineKind driverKind(String driver) {
        MachineKind kind = MachineKind.parse(driver, "--driver");
        if (kind.roundTripSeconds().isPresent()) {
            throw new IllegalArgumentException(
                    "--driver: rtt is of nodes, whose way to the driver it is: say it in --node");
        }
        return kind;
    }

    /// Requires of each node whose memory is said that a driver would take it.
    private static void requireRoom(List<MachineKind> nodes, ClusterModel model) {
        long least = model.sizes().experts().budget(model.experts(), 1).minimumBytes();
        for (MachineKind node : nodes) {
            if (node.ramBytes().orElse(least) < least) {
                throw new IllegalArgumentException("--node: ram: expected at least " + ByteSize.format(least)
                        + ", without which a node is left out, found "
                        + ByteSize.format(node.ramBytes().getAsLong()));
            }
        }
    }

    private void checkCounts() {
        int last = 0;
        for (int count : counts) {
            if (count <= last || count > MOST_NODES) {
                throw new IllegalArgumentException(
                        "--nodes: expected rising numbers from 1 to " + MOST_NODES + ", found " + count);
            }
            last = count;
        }
    }
}
