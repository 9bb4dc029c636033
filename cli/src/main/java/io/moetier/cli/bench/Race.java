package io.moetier.cli.bench;

import io.moetier.storage.expert.DiskRate;
import io.moetier.storage.expert.ScratchDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Engines that run one model with less memory than it takes, in turns, each alone in a control group and with nothing
/// of the model in the page cache.
///
/// Moetier begins, so that the other engine can be told the same tokens. First it is used as whoever has just got the
/// model uses it, with nothing but its name, and once more; then it is looked at closely, with each of the settings.
final class Race {
    private static final double DISK_SECONDS = 0.7; // for each number of readers

    private final RacePlan plan;
    private final Path program;
    private final PeerRacer peer;
    private final long blockBytes;
    private final Path folder;

    /// @param program the launcher of Moetier
    /// @param blockBytes of an expert, by which the speed of the disk is measured
    /// @param folder where there is room for the model once more
    Race(RacePlan plan, Path program, PeerRacer peer, long blockBytes, Path folder) {
        this.plan = plan;
        this.program = program;
        this.peer = peer;
        this.blockBytes = blockBytes;
        this.folder = folder;
    }

    /// Runs all engines within a limit.
    ///
    /// @param settings options of Moetier, by their words
    RaceReport.Leg run(MemoryShare memory, List<String> settings) throws IOException {
        List<RaceResult> own = new ArrayList<>();
        List<RaceResult> others = new ArrayList<>();
        DiskRate disk = DiskRate.of(plan.model(), blockBytes, DISK_SECONDS);
        try (ScratchDirectory scratch = ScratchDirectory.create(folder)) {
            OwnRacer moetier = new OwnRacer(program, plan, scratch.path());
            own.add(alone(memory, group -> moetier.use("moetier, first use", group)));
            own.add(alone(memory, group -> moetier.use("moetier, again", group)));
            for (Map.Entry<String, List<String>> setting : byName(settings).entrySet()) {
                own.add(alone(memory, group -> moetier.race(setting.getKey(), setting.getValue(), group)));
            }
            List<Integer> following = following(moetier.generated());
            for (PeerRacer.Loading loading : PeerRacer.Loading.values()) {
                others.add(alone(memory, group -> peer.race(loading, following, group)));
            }
        }
        return new RaceReport.Leg(memory, disk, own, others);
    }

    private interface Racer {
        RaceResult race(LimitedGroup group) throws IOException;
    }

    private RaceResult alone(MemoryShare memory, Racer racer) throws IOException {
        PageCache.empty(List.of(plan.model(), folder));
        try (LimitedGroup group = LimitedGroup.create(memory.bytes())) {
            return racer.race(group);
        }
    }

    private static Map<String, List<String>> byName(List<String> settings) {
        Map<String, List<String>> named = new LinkedHashMap<>();
        for (String setting : settings) {
            String words = setting.strip();
            named.put(
                    words.isEmpty() ? "moetier" : "moetier " + words,
                    words.isEmpty() ? List.of() : List.of(words.split("\\s+")));
        }
        return named;
    }

    /// Returns the tokens that the peer is told: those that Moetier generated, or any if it has failed.
    private List<Integer> following(List<Integer> generated) {
        return generated.isEmpty()
                ? IntStream.range(0, plan.generated()).boxed().toList()
                : generated;
    }
}
