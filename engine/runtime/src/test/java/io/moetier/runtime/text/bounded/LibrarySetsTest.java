package io.moetier.runtime.text.bounded;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.runtime.text.regex.TokenPattern;
import io.moetier.storage.format.Json;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The sets of a pattern hold what they hold in the native library: a later edition of Unicode in one of the two shows
/// here.
class LibrarySetsTest {
    private static final int LAST = 0x33ff;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\p{L}",
                "\\p{M}",
                "\\p{N}",
                "\\p{P}",
                "\\p{S}",
                "\\p{Z}",
                "\\p{C}",
                "\\p{Lu}",
                "\\p{Ll}",
                "\\p{Lt}",
                "\\p{Lm}",
                "\\p{Lo}",
                "\\p{Mn}",
                "\\p{Nd}",
                "\\p{Po}",
                "\\p{So}",
                "\\p{Han}",
                "\\p{Hiragana}",
                "\\p{Alpha}",
                "\\p{Upper}",
                "\\p{Lower}",
                "\\s",
                "\\d",
                "\\w",
                "\\h",
                "[[:space:]]",
                "[^\\s\\p{L}\\p{N}]",
                "[\\w&&[^\\d]]",
                "[(\\s|[.,!?…])]"
            })
    void areThoseOfTheLibrary(String pattern) {
        TokenPattern read = TokenPattern.read(pattern);
        BitSet expected = inLibrary(pattern);
        BitSet found = new BitSet();
        for (int character = 1; character <= LAST; character++) {
            found.set(character, read.alwaysBeginsAt(character, 0));
        }
        expected.xor(found);
        assertEquals(new BitSet(), expected);
    }

    /// Cuts, by the library, a text that holds each character twice: those of the set stand alone.
    private static BitSet inLibrary(String pattern) {
        TokenizersLibrary library = TokenizerFiles.library();
        String json = Json.write(Map.of(
                "version",
                "1.0",
                "added_tokens",
                java.util.List.of(),
                "pre_tokenizer",
                Map.of("type", "Split", "pattern", Map.of("Regex", pattern), "behavior", "Isolated", "invert", false),
                "model",
                Map.of("type", "WordLevel", "vocab", Map.of("?", 0), "unk_token", "?")));
        long tokenizer = library.createTokenizerFromString(json);
        StringBuilder text = new StringBuilder();
        for (int character = 1; character <= LAST; character++) {
            text.appendCodePoint(character).appendCodePoint(character);
        }
        long encoding = library.encode(tokenizer, text.toString(), false);
        BitSet alone = new BitSet();
        for (CharSpan span : library.getTokenCharSpans(encoding)) {
            if (span.getEnd() - span.getStart() == 1) {
                alone.set(1 + span.getStart() / 2);
            }
        }
        library.deleteEncoding(encoding);
        library.deleteTokenizer(tokenizer);
        return alone;
    }
}
