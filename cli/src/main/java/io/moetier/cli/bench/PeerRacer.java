package io.moetier.cli.bench;

import io.moetier.cli.terminal.Plural;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The other engine in a race, which is told each token that it computes.
final class PeerRacer {
    private final Path folder;
    private final RacePlan plan;
    private final String leftOut;
    private String description = "";

    /// How it gets the model: mapped, or copied through the page cache or past it.
    enum Loading {
        MAPPED,
        COPIED,
        DIRECT
    }

    /// @param folder where the engine is
    /// @param leftOut of its backends
    PeerRacer(Path folder, RacePlan plan, String leftOut) {
        this.folder = folder;
        this.plan = plan;
        this.leftOut = leftOut;
    }

    /// Returns what the engine calls itself, as soon as it has loaded the model once.
    String description() {
        return description;
    }

    /// @param following the tokens behind the prompt, of which it does as many as it has time for
    RaceResult race(Loading loading, List<Integer> following, LimitedGroup group) {
        String way = loading.name().toLowerCase(Locale.ROOT);
        int context = plan.ids().size() + following.size();
        List<String> arguments = List.of("" + plan.threads(), "" + context, way, leftOut);
        Process process = Peer.process(group.launcher(), folder, plan.model(), arguments);
        try (RaceRun run = new RaceRun(group, process, 4 * plan.patienceSeconds())) {
            return race("peer, " + way, following, run);
        }
    }

    private RaceResult race(String name, List<Integer> following, RaceRun run) {
        List<Steps.Step> tokens = new ArrayList<>();
        Optional<Steps> steps = Optional.empty();
        String failure = "";
        try (Peer peer = Peer.of(run.process(), folder, plan.model())) {
            description = peer.name();
            double promptSeconds =
                    peer.prompt(plan.ids().stream().mapToInt(Integer::intValue).toArray());
            steps = Optional.of(new Steps(plan.ids().size(), promptSeconds, List.of()));
            generate(peer, following, run, tokens);
            failure = tokens.size() < following.size() ? Plural.of(tokens.size(), "token") : "";
        } catch (UncheckedIOException e) {
            failure = String.valueOf(e.getMessage());
        }
        return run.result(
                name, steps.map(done -> new Steps(done.promptTokens(), done.promptSeconds(), tokens)), failure);
    }

    private void generate(Peer peer, List<Integer> following, RaceRun run, List<Steps.Step> tokens) {
        double seconds = 0;
        for (int i = 0; i < following.size() && seconds < plan.patienceSeconds(); i++) {
            long before = run.readBytes();
            double taken = peer.append(following.get(i));
            seconds += taken;
            tokens.add(new Steps.Step(taken, run.readBytes() - before));
        }
    }
}
