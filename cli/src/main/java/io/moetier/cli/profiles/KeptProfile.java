package io.moetier.cli.profiles;

import io.moetier.runtime.offload.LearntFile;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// One profile of one model, in two files that only their owner may read: a census, and what the policy has learnt if
/// it learns. Neither holds a word of any text.
///
/// @param fingerprint of the model
record KeptProfile(Path directory, String fingerprint, ProfileName name) {
    static final String CENSUS = ".census.json";
    private static final String LEARNT = ".learnt";

    Path censusFile() {
        return directory.resolve(fingerprint + "." + name + CENSUS);
    }

    Path learntFile() {
        return directory.resolve(fingerprint + "." + name + LEARNT);
    }

    boolean exists() {
        return Files.exists(censusFile());
    }

    /// Reads what was counted.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged
    CountedModel read() {
        return CountedModel.parse(Json.readObject(censusFile()));
    }

    /// Returns from how many tokens was learnt what is kept, if something is.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is damaged
    OptionalLong learntTokens() {
        return Files.exists(learntFile()) ? OptionalLong.of(LearntFile.tokens(learntFile())) : OptionalLong.empty();
    }

    /// Writes what was counted. Two runs that end at once lose the counts of one; the file is never half written.
    void write(CountedModel counted) throws IOException {
        UnfinishedFile.createPrivateDirectories(directory);
        try (UnfinishedFile unfinished = UnfinishedFile.createPrivate(censusFile())) {
            Files.writeString(unfinished.path(), Json.write(counted.toMap()) + "\n", StandardCharsets.UTF_8);
            unfinished.publish();
        }
    }

    /// Puts what was learnt elsewhere, as [#learntFile()] holds it, or nothing in the place of what is there.
    void replaceLearnt(Optional<byte[]> learnt) throws IOException {
        if (learnt.isEmpty()) {
            Files.deleteIfExists(learntFile());
            return;
        }
        UnfinishedFile.createPrivateDirectories(directory);
        try (UnfinishedFile unfinished = UnfinishedFile.createPrivate(learntFile())) {
            Files.write(unfinished.path(), learnt.get());
            unfinished.publish();
        }
    }

    /// Returns what every report in JSON says of this.
    Map<String, Object> facts(CountedModel counted, OptionalLong learnt) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("name", name.toString());
        facts.put("model", counted.model());
        facts.put("fingerprint", fingerprint);
        facts.put("tokens", counted.census().tokens());
        facts.put("learnt_tokens", learnt.orElse(0));
        return facts;
    }

    void delete() throws IOException {
        Files.deleteIfExists(learntFile());
        Files.deleteIfExists(censusFile());
    }

    /// Returns how much is kept, in bytes.
    long bytes() throws IOException {
        return Files.size(censusFile()) + (Files.exists(learntFile()) ? Files.size(learntFile()) : 0);
    }

    /// Returns when a run was added last.
    Instant lastRun() throws IOException {
        return Files.getLastModifiedTime(censusFile()).toInstant();
    }
}
