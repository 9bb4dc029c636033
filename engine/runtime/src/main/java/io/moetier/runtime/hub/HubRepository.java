package io.moetier.runtime.hub;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What is in a repository of the hub at one commit.
///
/// @param name how it was asked for
/// @param commit what the revision of the name stands for, in hexadecimal digits
/// @param files all of them, in the hub's order
public record HubRepository(HubName name, String commit, List<HubFile> files) {
    private static final String MAIN = "main";

    public HubRepository {
        files = List.copyOf(files);
    }

    /// Reads the hub's answer.
    ///
    /// @throws MalformedModelException if it is no such answer
    static HubRepository parse(HubName name, byte[] json) {
        JsonObject answer =
                Json.parseObject(json, Path.of(name.withoutSelection().toString()));
        String commit = answer.requireString("sha");
        if (!isCommit(commit)) {
            throw answer.unexpected("sha", "a commit", commit);
        }
        List<JsonObject> siblings = answer.requireObjects("siblings");
        Set<String> paths = new HashSet<>();
        for (JsonObject sibling : siblings) {
            if (!paths.add(sibling.requireString("rfilename"))) {
                throw sibling.unexpected("rfilename", "each file once", sibling.requireString("rfilename"));
            }
        }
        return new HubRepository(
                name, commit, siblings.stream().map(HubFile::of).toList());
    }

    /// Returns what the hub is asked for where a name has no revision.
    static String revision(HubName name) {
        return name.revision().orElse(MAIN);
    }

    /// Returns the file of exactly that path.
    public Optional<HubFile> file(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst();
    }

    static boolean isCommit(String text) {
        return text.matches("[0-9a-f]{40}");
    }
}
