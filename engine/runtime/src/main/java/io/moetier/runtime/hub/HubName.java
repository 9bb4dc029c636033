package io.moetier.runtime.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What somebody calls a model on the hub: `hf:ORG/REPO[@REVISION][:SELECTION]`, the last two in any order.
///
/// @param repository as `ORG/REPO`
/// @param revision a branch, tag or commit
/// @param selection a quantisation, as `Q4_K_M`, a file or a pattern of files
public record HubName(String repository, Optional<String> revision, Optional<String> selection) {
    private static final String PREFIX = "hf:";
    private static final int MOST_CHARACTERS = 96; // of either part, as on the hub
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?");
    private static final Pattern NAME =
            Pattern.compile("hf:([^/:@]+)/([^/:@]+)(?:@([^:]+)(?::(.+))?|:(.+?)(?:@([^@]+))?)?");

    /// Says whether a text is meant to be such a name.
    public static boolean isNamed(String text) {
        return text.startsWith(PREFIX);
    }

    /// Reads a name.
    ///
    /// @throws IllegalArgumentException if it is none
    public static HubName parse(String text) {
        Matcher name = NAME.matcher(text);
        if (!name.matches() || !isPart(name.group(1)) || !isPart(name.group(2))) {
            throw new IllegalArgumentException("expected hf:ORG/REPO, with :Q4_K_M or :FILE behind it to choose files"
                    + " and @REVISION to choose a revision, found '" + text + "'");
        }
        Optional<String> revision = Optional.ofNullable(name.group(3)).or(() -> Optional.ofNullable(name.group(6)));
        Optional<String> selection = Optional.ofNullable(name.group(4)).or(() -> Optional.ofNullable(name.group(5)));
        revision.filter(word -> !isRevision(word)).ifPresent(word -> {
            throw new IllegalArgumentException(
                    "expected a branch, tag or commit after the @ of '" + text + "', found '" + word + "'");
        });
        return new HubName(name.group(1) + "/" + name.group(2), revision, selection);
    }

    /// Returns the same name without what chooses files.
    public HubName withoutSelection() {
        return new HubName(repository, revision, Optional.empty());
    }

    /// Returns the same repository and revision with other files.
    public HubName selecting(String files) {
        return new HubName(repository, revision, Optional.of(files));
    }

    /// Says whether it means what never changes.
    public boolean isOfCommit() {
        return revision.filter(HubRepository::isCommit).isPresent();
    }

    /// Returns the name as it is parsed. A selection with an `@` stands behind a revision, be it the usual one: what
    /// follows its `@` would be one itself.
    @Override
    public String toString() {
        Optional<String> named = selection.filter(files -> files.contains("@")).map(_ -> HubRepository.revision(this));
        return PREFIX
                + repository
                + revision.or(() -> named).map(word -> "@" + word).orElse("")
                + selection.map(word -> ":" + word).orElse("");
    }

    private static boolean isPart(String word) {
        return PART.matcher(word).matches()
                && word.length() <= MOST_CHARACTERS
                && !word.contains("..")
                && !word.contains("--");
    }

    private static boolean isRevision(String word) {
        return word.matches("[\\w][\\w./+-]*") && !word.contains("..") && !word.contains("//") && !word.endsWith("/");
    }
}
