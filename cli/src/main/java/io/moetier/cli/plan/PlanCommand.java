package io.moetier.cli.plan;

import io.moetier.cli.doctor.MachineFile;
import io.moetier.cli.option.About;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.lab.plan.HitPriors;
import io.moetier.lab.plan.Place;
import io.moetier.lab.plan.Plan;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.plan.Planner;
import io.moetier.lab.plan.PriorRouting;
import io.moetier.lab.plan.RoutingKnowledge;
import io.moetier.lab.plan.TracedRouting;
import io.moetier.runtime.session.Memory;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Says whether a model fits and how fast it would be, before it is there.
@About(Topic.MEASUREMENT)
@Command(
        name = "plan",
        description =
                "Say before a download or import whether a model fits, how fast it would be, and what would help.")
public final class PlanCommand implements Callable<Integer> {
    private static final int LARGE_CONTEXT = 32 << 10;

    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            paramLabel = "MODEL|hf:ORG/REPO[:FILE]",
            description = "A store, a checkpoint directory, a GGUF file, or a model on the hub, of which only headers"
                    + " are read.")
    String model = "";

    @Option(
            names = "--device",
            paramLabel = "NAME|cuda[:N]|FILE",
            description =
                    "Machine that is planned for: a known GPU, one of this machine, which is measured, or a profile"
                            + " as a JSON file; default: this machine's processor, if doctor has measured it.")
    @Nullable
    String device;

    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "Main memory that there is for everything together; default: what this machine has left.")
    @Nullable
    ByteSize ram;

    @Option(
            names = "--vram",
            paramLabel = "SIZE",
            description = "What may be taken of the GPU's memory; default: all of it less a reserve.")
    @Nullable
    ByteSize vram;

    @Option(
            names = "--ctx",
            paramLabel = "N|32k",
            description = "Tokens that the context holds; default: the model's own limit, at most 4096.")
    @Nullable
    String context;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "A routing trace of the model, which tells more than those of other models.")
    @Nullable
    Path trace;

    @Option(
            names = "--io",
            paramLabel = "mapped|pread|direct|auto",
            defaultValue = "auto",
            description =
                    "How missing experts would be read: direct past the page cache, mapped and pread from it; auto"
                            + " as run does it; default: ${DEFAULT-VALUE}.")
    IoMode io = IoMode.AUTO;

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    @About(Topic.REPORTS)
    @Option(names = "--report", paramLabel = "FILE", description = "Write a page, an HTML file.")
    @Nullable
    Path page;

    public PlanCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        int asked = context == null ? 0 : tokens(context);
        if (page != null) {
            OutputFile.check(page, "--report");
        }
        PlanPlaces places = new PlanPlaces(new MachineFile(surroundings, streams), device, vram);
        Place place = places.meant();
        PlanCandidates candidates = PlanCandidates.named(model, surroundings, streams);
        RoutingKnowledge routing = routing(candidates.list().getFirst().model());
        Planner planner = new Planner(limits(), routing, io, OptionFlags::sentence);
        int most = candidates.list().getFirst().model().spec().maxPositionEmbeddings();
        if (asked > most) {
            throw new IllegalArgumentException("--ctx " + context + " is more than the " + most
                    + " tokens that the model allows (max_position_embeddings)");
        }
        int meant = asked > 0 ? asked : Math.min(most, Memory.DEFAULT_CONTEXT);
        List<Integer> contexts = Stream.of(meant, Math.min(most, Memory.DEFAULT_CONTEXT), Math.min(most, LARGE_CONTEXT))
                .distinct()
                .toList();
        Plan plan = Plan.of(planner, new Plan.Question(candidates.list(), place, contexts, places.compared()));
        PlanReport report =
                new PlanReport(candidates, plan, planner, new PlanReport.Asked(asked, ram != null, device, io));
        if (page != null) {
            OutputFile.write(page, "--report", report.page());
        }
        streams.print(json ? Json.writePretty(report.fields()) + "\n" : report.text());
        if (plan.recommended().isEmpty()) {
            throw new IllegalArgumentException(
                    plan.alternatives().getFirst().obstacle().orElseThrow());
        }
        return Failure.OK;
    }

    private RoutingKnowledge routing(PlannedModel planned) {
        if (trace == null) {
            return new PriorRouting(HitPriors.shipped());
        }
        TracedRouting traced = new TracedRouting(trace);
        traced.requireTraceOf(planned);
        return traced;
    }

    /// Returns what memory there is: what was asked for, of which this process has some, as a run would.
    private List<MemoryLimit> limits() {
        return ram == null
                ? AvailableMemory.limits()
                : List.of(new MemoryLimit(
                        MemoryLimit.Kind.GROUP,
                        "--ram",
                        ram.bytes(),
                        ProcessMemory.now().anonymousBytes()));
    }

    /// Returns a number of tokens, as `4096` or `32k`.
    static int tokens(String text) {
        boolean thousands = text.endsWith("k") || text.endsWith("K");
        String digits = thousands ? text.substring(0, text.length() - 1) : text;
        if (!digits.matches("[1-9]\\d{0," + (thousands ? 5 : 8) + "}")) {
            throw new IllegalArgumentException(
                    "--ctx: expected a number of tokens such as 4096 or 32k, found '" + text + "'");
        }
        return Integer.parseInt(digits) * (thousands ? 1024 : 1);
    }
}
