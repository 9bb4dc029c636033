package io.moetier.cli.plan;

import io.moetier.cli.report.HtmlBody;
import io.moetier.cli.report.HtmlReport;
import io.moetier.cli.report.RunReport;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.ShellWord;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.lab.plan.Alternative;
import io.moetier.lab.plan.Candidate;
import io.moetier.lab.plan.Interval;
import io.moetier.lab.plan.Place;
import io.moetier.lab.plan.Plan;
import io.moetier.lab.plan.PlannedModel;
import io.moetier.lab.plan.Planner;
import io.moetier.lab.plan.SpeedForecast;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.runtime.session.MemoryForecast;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What `plan` found, for people and for programs.
///
/// @param asked what the command that is printed has to say again
record PlanReport(PlanCandidates candidates, Plan plan, Planner planner, Asked asked) {
    /// What was asked for.
    ///
    /// @param context its tokens, 0 if none
    /// @param limited whether main memory is what was said, not what there is
    /// @param device as it was named
    record Asked(int context, boolean limited, @Nullable String device, IoMode io) {
        /// A machine that is known by its profile alone has a GPU that is called `cuda` there.
        String gpu(Place.Origin origin) {
            return device != null && origin == Place.Origin.MEASURED ? device : "cuda";
        }
    }

    /// What the fields of `--json` are: it changes when old readers could no longer read them.
    static final String FORMAT = "moetier-plan/1";

    private static final String UNKNOWN = "–";

    /// Returns the lines for people.
    String text() {
        StringBuilder text = new StringBuilder(subject() + "\n");
        candidates.notes().forEach(note -> text.append(note).append('\n'));
        Alternative shown = shown();
        shown.memory().ifPresent(memory -> text.append('\n').append(memoryTable(shown, memory)));
        text.append('\n').append(alternatives()).append('\n');
        basis().forEach(line -> text.append(line).append('\n'));
        plan.recommended().ifPresent(taken -> text.append('\n').append(recommendation(taken)));
        return text.toString();
    }

    /// Returns the page.
    String page() {
        Alternative shown = shown();
        HtmlBody body = new HtmlBody("Plan for " + candidates.list().getFirst().name()).paragraph(subject());
        candidates.notes().forEach(body::paragraph);
        plan.recommended().ifPresent(taken -> recommendation(taken).lines().forEach(body::paragraph));
        body.table("Alternatives", basis(), alternatives());
        shown.memory().ifPresent(memory -> body.table("Memory", memoryTable(shown, memory)));
        return HtmlReport.page("Plan", body.toString(), fields());
    }

    /// Returns the same under the names that `--json` prints.
    Map<String, Object> fields() {
        PlannedModel model = candidates.list().getFirst().model();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("model", candidates.list().getFirst().name());
        fields.put("family", model.spec().family());
        fields.put("layers", model.layers());
        fields.put("experts", model.experts());
        fields.put("experts_per_token", model.topK());
        fields.put("notes", candidates.notes());
        fields.put("routing", planner.routing().source());
        fields.put("prompt_tokens", promptTokens().last());
        fields.put("basis", basis());
        fields.put(
                "alternatives", plan.alternatives().stream().map(this::fields).toList());
        plan.recommended().ifPresent(taken -> {
            fields.put("recommended", plan.alternatives().indexOf(taken));
            fields.put("commands", commands(taken));
        });
        fields.put("helps", plan.helps().stream().map(PlanReport::fields).toList());
        return fields;
    }

    private static Map<String, Object> fields(Plan.Help help) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("what", help.what());
        fields.put("factor", help.factor());
        return fields;
    }

    private Map<String, Object> fields(Alternative alternative) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", alternative.candidate().name());
        alternative.candidate().quantisation().ifPresent(quantisation -> fields.put("quantisation", quantisation));
        fields.put("weights", alternative.candidate().label());
        fields.put("weight_bytes", alternative.candidate().model().bytes());
        fields.put("place", alternative.place().name());
        fields.put("context", alternative.contextLength());
        fields.put("prompt_tokens", SpeedForecast.promptTokens(alternative.contextLength()));
        alternative.obstacle().ifPresent(reason -> fields.put("obstacle", reason));
        alternative.memory().ifPresent(memory -> fields.put("memory", fields(memory)));
        alternative.speed().ifPresent(speed -> {
            fields.put("tokens_per_second", speed.tokensPerSecond().fields());
            speed.promptTokensPerSecond().ifPresent(rate -> fields.put("prompt_tokens_per_second", rate.fields()));
            speed.secondsToFirst().ifPresent(seconds -> fields.put("seconds_to_first_token", seconds.fields()));
            fields.put("hit_rate", speed.hitRate());
            fields.put("bound", speed.bound().label());
        });
        return fields;
    }

    private static Map<String, Object> fields(MemoryForecast memory) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("limit", memory.plan().limit().what());
        fields.put("limit_bytes", memory.plan().limit().bytes());
        fields.put("expert_slots", memory.slots().number());
        fields.put("expert_bytes", memory.slots().bytes());
        Map<String, Object> parts = new LinkedHashMap<>();
        memory.plan().parts().forEach(part -> parts.put(part.name(), part.bytes()));
        fields.put("parts", parts);
        fields.put("context_bytes", memory.keyValues());
        fields.put("tokens_of_a_pass", memory.batch());
        memory.device().ifPresent(device -> {
            Map<String, Object> there = new LinkedHashMap<>();
            there.put("bytes", device.bytes());
            there.put("weights", device.weights());
            there.put("keys_and_values", device.keyValues());
            there.put("workspace", device.workspace());
            there.put("expert_slots", device.slots().number());
            there.put("expert_bytes", device.slots().bytes());
            fields.put("device", there);
        });
        return fields;
    }

    private String subject() {
        Candidate named = candidates.list().getFirst();
        PlannedModel model = named.model();
        return named.name() + ": " + model.spec().family() + ", " + Plural.of(model.layers(), "layer") + " of "
                + Plural.of(model.experts(), "expert") + ", top " + model.topK() + "; " + model.weights() + ", "
                + ByteSize.format(model.bytes());
    }

    /// The one whose memory is shown.
    private Alternative shown() {
        return plan.recommended().orElse(plan.alternatives().getFirst());
    }

    private Table memoryTable(Alternative shown, MemoryForecast memory) {
        PlannedModel model = shown.candidate().model();
        MemoryPlan main = memory.plan();
        Table table = Table.ofFacts()
                .row(
                        "memory of " + main.limit().what(),
                        ByteSize.format(main.limit().bytes()))
                .row(
                        memory.device().isPresent() ? "  experts, pinned" : "  experts",
                        ByteSize.format(memory.slots().bytes()) + ", room for "
                                + memory.slots().number() + " of " + model.numExperts());
        main.parts()
                .forEach(part ->
                        table.row("  " + part.name(), ByteSize.format(part.bytes()) + remark(part, memory, model)));
        memory.device()
                .ifPresent(device -> table.row("memory of " + shown.place().name(), ByteSize.format(device.bytes()))
                        .row(
                                "  experts",
                                ByteSize.format(device.slots().bytes()) + ", room for "
                                        + device.slots().number())
                        .row("  other weights", ByteSize.format(device.weights()) + tower(model))
                        .row("  keys and values", ByteSize.format(device.keyValues()))
                        .row("  workspace", ByteSize.format(device.workspace())));
        table.row("a full context", Plural.grouped(memory.contextLength(), "token"));
        memory.keyValues().forEach((kind, bytes) -> table.row("  " + kind, ByteSize.format(bytes)));
        return table;
    }

    private static String remark(MemoryPlan.Part part, MemoryForecast memory, PlannedModel model) {
        if (!part.name().equals("other weights")) {
            return "";
        }
        return memory.device().isPresent() ? ", until the GPU has a copy" : tower(model);
    }

    /// Says what the tower for images is of the weights, if there is one.
    private static String tower(PlannedModel model) {
        double all = model.spec().denseLinears().stream()
                .mapToLong(LinearSpec::numParameters)
                .sum();
        return model.spec()
                .vision()
                .map(tower -> ", of which about "
                        + RunReport.percent(tower.linears().stream()
                                        .mapToLong(LinearSpec::numParameters)
                                        .sum()
                                / all)
                        + " are the tower for images")
                .orElse("");
    }

    private Table alternatives() {
        Table table = Table.ofFigures()
                .row(
                        "weights",
                        "bytes",
                        "place",
                        "context",
                        "experts there",
                        "hits",
                        "tokens/s",
                        "prompt/s",
                        "first token",
                        "");
        for (Alternative each : plan.alternatives()) {
            table.row(
                    each.candidate().label(),
                    ByteSize.format(each.candidate().model().bytes()),
                    each.place().name(),
                    each.contextLength(),
                    each.memory().map(memory -> share(each, memory)).orElse("does not fit"),
                    each.speed()
                            .map(speed -> RunReport.percent(speed.hitRate()))
                            .orElse(UNKNOWN),
                    each.speed().map(speed -> speed.tokensPerSecond().text()).orElse(UNKNOWN),
                    each.speed()
                            .flatMap(SpeedForecast::promptTokensPerSecond)
                            .map(Interval::text)
                            .orElse(UNKNOWN),
                    each.speed()
                            .flatMap(SpeedForecast::secondsToFirst)
                            .map(seconds -> seconds.text() + " s")
                            .orElse(UNKNOWN),
                    plan.recommended().filter(each::equals).isPresent() ? "recommended" : "");
        }
        return table;
    }

    private static String share(Alternative each, MemoryForecast memory) {
        PlannedModel model = each.candidate().model();
        int slots = memory.device()
                .map(MemoryForecast.OnDevice::slots)
                .orElse(memory.slots())
                .number();
        return RunReport.percent((double) slots / model.numExperts());
    }

    private List<String> basis() {
        List<String> lines = new ArrayList<>();
        Place place = plan.alternatives().getFirst().place();
        place.machine()
                .ifPresentOrElse(
                        machine -> lines.addAll(speeds(place, machine)),
                        () -> lines.add(
                                "No speeds: this machine was not measured; run moetier doctor, or give --device."));
        lines.add("Hits follow " + planner.routing().source() + "; a prompt has "
                + Plural.of(promptTokens().last(), "token")
                + (promptTokens().size() > 1 ? ", or one less than the context." : "."));
        return lines;
    }

    /// Returns how many tokens the prompts have that are predicted.
    private SortedSet<Integer> promptTokens() {
        return plan.alternatives().stream()
                .map(each -> SpeedForecast.promptTokens(each.contextLength()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private List<String> speeds(Place place, MachineProfile machine) {
        List<String> lines = new ArrayList<>();
        boolean calibrated = machine.decodeCosts().isPresent();
        String rates = "bounds by the rates of memory and " + (machine.hasDevice() ? "link" : "disk");
        String speeds = calibrated
                ? "those of " + machine.name() + ", as doctor measured it"
                : switch (place.origin()) {
                    case MEASURED -> rates + " that were measured of " + machine.name();
                    case FILE -> rates + " that the profile of " + machine.name() + " gives";
                    case PUBLISHED ->
                        "bounds by published figures of " + machine.name() + ", which nobody measured here";
                };
        lines.add("Speeds are " + speeds + ".");
        lines.add("In brackets is where nine of ten measurements should be; how far predictions are off "
                + (calibrated
                        ? "is what a trial on one machine suggests."
                        : "is a guess, which nothing was compared with."));
        if (calibrated && place.prompts().isEmpty()) {
            lines.add("There is no prompt/s: an earlier version measured this machine, which told less of prompts;"
                    + " run moetier doctor.");
        }
        if (plan.alternatives().stream()
                .anyMatch(each -> each.fits() && each.speed().isEmpty())) {
            lines.add("Where neither memory holds all experts there is no speed, as nobody knows how fast the disk"
                    + " is: run moetier doctor, or give a profile with disk_bytes_per_second.");
        }
        return lines;
    }

    private String recommendation(Alternative taken) {
        StringBuilder text =
                new StringBuilder("Recommended: " + taken.candidate().label() + " on "
                        + taken.place().name() + ", with a context of " + taken.contextLength() + ".\n");
        commands(taken).forEach(command -> text.append("  ").append(command).append('\n'));
        if (!plan.helps().isEmpty()) {
            text.append("What would help:");
            plan.helps()
                    .forEach(help -> text.append(
                            String.format(Locale.ROOT, " %s, %.1f times as fast;", help.what(), help.factor())));
            text.setCharAt(text.length() - 1, '.');
            text.append('\n');
        }
        return text.toString();
    }

    private List<String> commands(Alternative taken) {
        Candidate candidate = taken.candidate();
        String context = asked.context() > 0 ? " --ctx " + asked.context() : "";
        String io =
                asked.io() == IoMode.AUTO ? "" : " --io " + asked.io().name().toLowerCase(Locale.ROOT);
        String ram = asked.limited()
                ? taken.memory()
                        .map(memory -> " --ram " + (memory.slots().bytes() >> 10) + "K")
                        .orElse("")
                : "";
        String gpu = taken.place().device().isEmpty()
                ? ""
                : " --device " + asked.gpu(taken.place().origin())
                        + taken.place().device().get().budget().stream()
                                .mapToObj(bytes -> " --vram " + (bytes >> 10) + "K")
                                .findFirst()
                                .orElse("");
        String options = context + ram + io + gpu + " \"…\"";
        String model = ShellWord.of(candidate.name());
        return candidate
                .quantisation()
                .map(type -> {
                    String store = ShellWord.of(Checkpoint.nameOf(Path.of(candidate.name())) + "." + type + ".mtier");
                    return List.of(
                            "./moetier import " + model + " --quant " + type + " --out " + store,
                            "./moetier run " + store + options);
                })
                .orElseGet(() -> List.of("./moetier run " + model + options));
    }
}
