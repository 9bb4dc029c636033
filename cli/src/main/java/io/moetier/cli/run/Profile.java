package io.moetier.cli.run;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.runtime.session.CensusTally;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/// What a person or a kind of work lets a model choose, from run to run: a census and what the policy has learnt,
/// in the cache, named by the model's fingerprint, with which the next run starts.
final class Profile {
    /// The name that stands for no profile at all.
    static final String NONE = "none";

    private static final String DIRECTORY = "census";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}");

    private final Path file;
    private final Path learnt;
    private final Engine engine;
    private final Streams streams;
    private final CensusTally tally;

    /// @param stem the beginning of the files' names
    private Profile(Path stem, Engine engine, Streams streams) {
        file = stem.resolveSibling(stem.getFileName() + ".census.json");
        learnt = stem.resolveSibling(stem.getFileName() + ".learnt");
        this.engine = engine;
        this.streams = streams;
        this.tally = new CensusTally(engine.spec());
    }

    /// Checks a name.
    ///
    /// @throws IllegalArgumentException if it cannot be one
    static void requireName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "--profile: expected up to 64 letters, digits, - and _, found '" + name + "'");
        }
    }

    /// Returns the profile `name` of the model of `engine`; none if it is [#NONE] or the store says not what it is of.
    static Optional<Profile> of(Path cacheDirectory, String name, Engine engine, Streams streams) {
        return engine.store()
                .fingerprint()
                .filter(_ -> !name.equals(NONE))
                .map(fingerprint -> cacheDirectory.resolve(DIRECTORY).resolve(fingerprint + "." + name))
                .map(stem -> new Profile(stem, engine, streams));
    }

    /// Returns what is to hear of each routing decision.
    CensusTally tally() {
        return tally;
    }

    /// Starts with the experts of earlier runs and what was learnt in them, if there were any.
    void warm() {
        takeUpLearnt(); // before experts come, which policies hear of
        read().ifPresent(engine::warm);
    }

    private void takeUpLearnt() {
        try {
            if (Files.exists(learnt)) {
                engine.takeUpLearnt(learnt);
            }
        } catch (MalformedModelException e) {
            streams.note(e.getMessage() + "; it is not used");
        }
    }

    /// Adds this run. A cache that cannot be written costs the next run its start and this one nothing.
    void save() {
        if (tally.tokens() == 0) {
            return;
        }
        Census census = tally.census();
        try {
            write(read().map(before -> before.merge(census)).orElse(census));
            engine.keepLearnt(learnt, tally.tokens());
        } catch (IOException e) {
            streams.note("the next run starts without what this one chose, which cannot be kept in the cache: "
                    + Failure.of(e).sentence() + "; --profile none does not try");
        }
    }

    /// Two runs that end at once lose the counts of one; neither file is ever half written.
    private void write(Census census) throws IOException {
        Files.createDirectories(file.resolveSibling("."));
        try (UnfinishedFile unfinished = UnfinishedFile.create(file)) {
            Files.writeString(unfinished.path(), Json.write(census.toMap()) + "\n", StandardCharsets.UTF_8);
            unfinished.publish();
        }
    }

    /// A census that is damaged or of something else is replaced at the end.
    private Optional<Census> read() {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Census census = Census.parse(Json.readObject(file));
            if (census.isOfTheModelOf(tally.census())) {
                return Optional.of(census);
            }
            streams.note(file + ": expected the experts of the model, found others; it is not used");
        } catch (MalformedModelException e) {
            streams.note(e.getMessage() + "; it is not used");
        }
        return Optional.empty();
    }
}
