package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.Optional;

/// What a `tokenizer.json` may do, found out before the library reads it.
///
/// The library ends the process where something goes wrong in it that its authors took for impossible, above all where
/// Oniguruma gives up a match. So files that could bring that about are refused, and so are texts.
public final class TokenizerBounds {
    private final Normalizers normalizers;
    private final PreTokenizers preTokenizers;
    private final Vocabulary vocabulary;
    private final AddedTokens added;
    private final Optional<Probe> probe;

    private TokenizerBounds(JsonObject file) {
        this.normalizers = Normalizers.read(file);
        this.preTokenizers = PreTokenizers.read(file);
        this.vocabulary = Vocabulary.read(file);
        this.added = AddedTokens.read(file);
        PostProcessors.check(file);
        Decoders.check(file);
        this.probe = normalizers.isEmpty() || added.normalized().isEmpty()
                ? Optional.empty()
                : Optional.of(Probe.of(file, added.normalized()));
    }

    /// Checks a file.
    ///
    /// @throws MalformedModelException if the library may end the process over it, or take any time or memory
    public static TokenizerBounds of(JsonObject file) {
        return new TokenizerBounds(file);
    }

    /// Returns what only the library can tell of the file before it reads all of it, if there is such a thing.
    public Optional<Probe> probe() {
        return probe;
    }

    /// Requires that the library may be given a text.
    ///
    /// @throws IllegalArgumentException if a pattern may go back too often in it, or it becomes too long
    public void check(String text) {
        check(text, new Effort());
    }

    /// Returns the sections of a text, one at a time, each checked.
    public Sections sections(String text) {
        return new Sections(text, this, Sections.LENGTH);
    }

    /// Returns a number of tokens that a text has at least, however it is written.
    public long leastTokens(String text) {
        boolean counts = vocabulary.countsAll(preTokenizers.writesBytes())
                && preTokenizers.keepsAll()
                && !added.strips()
                && normalizers.mostBecomingOne() > 0;
        if (!counts) {
            return 0;
        }
        long most = (long) Math.max(1, Math.max(vocabulary.longest(), added.longest())) * normalizers.mostBecomingOne();
        return text.codePointCount(0, text.length()) / most;
    }

    void check(String text, Effort effort) {
        if (text.length() > Limits.CHARACTERS) {
            throw new IllegalArgumentException(
                    "expected a text with a blank between words, where it can be cut, in each " + Limits.CHARACTERS
                            + " characters, found " + text.length() + " without");
        }
        preTokenizers.weigh(normalizers.weigh(Subject.of(text), effort), effort);
    }

    /// Says whether a text has the same tokens if it is cut before a blank.
    boolean mayCut(int before, int blank, int next) {
        int seen = normalizers.seen(blank);
        return normalizers.keepsOrder()
                && (blank == ' ' || !(normalizers.prepends() || preTokenizers.needsBlank()))
                && added.keepApart(before, blank, next)
                && preTokenizers.keepsApart(before, seen)
                && (preTokenizers.alwaysCutAt(seen, next) || vocabulary.keepsApart(before, seen));
    }

    /// Says whether the library puts a blank in front of a section, so that its own is to be left out.
    boolean putsBlankInFront() {
        return normalizers.prepends();
    }
}
