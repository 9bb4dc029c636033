package io.moetier.cli.profiles;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.runtime.session.CensusTally;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The profile of a run: what earlier ones chose and learnt, with which it begins, and to which it is added.
///
/// Where the name is `auto` and several are kept of the model, the run begins with the experts of all of them. Which
/// it goes on with is decided by what the first prompt has chosen.
public final class RunProfile {
    private final ProfileFolder folder;
    private final String fingerprint;
    private final ProfileName name;
    private final String model;
    private final Engine engine;
    private final Streams streams;
    private final CensusTally tally;
    private List<Candidate> candidates = List.of();
    private @Nullable KeptProfile profile; // null until it is chosen

    /// A profile of the model, and what it counts.
    private record Candidate(KeptProfile profile, Census census) {}

    private RunProfile(
            ProfileFolder folder, String fingerprint, ProfileName name, String model, Engine engine, Streams streams) {
        this.folder = folder;
        this.fingerprint = fingerprint;
        this.name = name;
        this.model = model;
        this.engine = engine;
        this.streams = streams;
        tally = new CensusTally(engine.spec());
    }

    /// Returns the profile `name` of the model of `engine`, which people call `model`; none if the name stands for
    /// none, or the store says not what it is of.
    public static Optional<RunProfile> of(
            ProfileFolder folder, ProfileName name, String model, Engine engine, Streams streams) {
        return engine.store()
                .fingerprint()
                .filter(_ -> !name.isNone())
                .map(fingerprint -> new RunProfile(folder, fingerprint, name, model, engine, streams));
    }

    /// Returns what is to hear of each routing decision.
    public CensusTally tally() {
        return tally;
    }

    /// Begins with the experts of earlier runs and, if it is known already whose, with what was learnt in them. To be
    /// called before the first step.
    public void begin() {
        candidates = candidates();
        if (candidates.size() < 2) {
            take(candidates.isEmpty() ? folder.of(fingerprint, named()) : candidates.getFirst().profile);
        }
        if (!candidates.isEmpty()) {
            engine.warm(Census.sum(candidates.stream().map(Candidate::census).toList()));
        }
    }

    /// Chooses the profile if that is still to be done, by what has been chosen so far. To be called between two
    /// steps.
    public void choose() {
        if (profile == null && tally.tokens() > 0) {
            Census run = tally.census();
            Candidate nearest = candidates.getFirst();
            for (Candidate candidate : candidates) {
                if (candidate.census.divergenceOf(run) < nearest.census.divergenceOf(run)) {
                    nearest = candidate;
                }
            }
            streams.note("profile " + nearest.profile.name() + ", of " + candidates.size() + " the nearest to what "
                    + Plural.of(tally.tokens(), "token") + " chose; --profile NAME says which");
            take(nearest.profile);
        }
    }

    /// Adds this run. A cache that cannot be written costs the next run its beginning and this one nothing.
    public void save() {
        choose();
        if (profile == null || tally.tokens() == 0) {
            return;
        }
        Census census = tally.census();
        try {
            profile.write(new CountedModel(
                    model, read(profile).map(before -> before.merge(census)).orElse(census)));
            engine.keepLearnt(profile.learntFile(), tally.tokens());
        } catch (IOException e) {
            streams.note("the next run starts without what this one chose, which cannot be kept in the cache: "
                    + Failure.of(e).sentence() + "; --profile none does not try");
        }
    }

    private ProfileName named() {
        return name.isAuto() ? name.withKind(ProfileName.DEFAULT) : name;
    }

    private List<Candidate> candidates() {
        List<KeptProfile> kept = name.isAuto()
                ? folder.of(fingerprint).stream()
                        .filter(each -> each.name().person().equals(name.person()))
                        .toList()
                : List.of(folder.of(fingerprint, name));
        List<Candidate> readable = new ArrayList<>();
        kept.forEach(each -> read(each).ifPresent(census -> readable.add(new Candidate(each, census))));
        return readable;
    }

    private void take(KeptProfile chosen) {
        profile = chosen;
        try {
            if (Files.exists(chosen.learntFile())) {
                engine.takeUpLearnt(chosen.learntFile());
            }
        } catch (MalformedModelException e) {
            streams.note(e.getMessage() + "; it is not used");
        }
    }

    /// A census that is damaged or of something else is replaced at the end if the run is added to it.
    private Optional<Census> read(KeptProfile of) {
        if (!of.exists()) {
            return Optional.empty();
        }
        try {
            Census census = of.read().census();
            if (census.isOfTheModelOf(tally.census())) {
                return Optional.of(census);
            }
            streams.note(of.censusFile() + ": expected the experts of the model, found others; it is not used");
        } catch (MalformedModelException e) {
            streams.note(e.getMessage() + "; it is not used");
        }
        return Optional.empty();
    }
}
