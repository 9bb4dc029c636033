package io.moetier.runtime.text.bounded;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.runtime.text.regex.PublishedPatterns;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/// The native library judges: the tokens of the sections are those of the whole text.
class SectionsTest {
    private static final long SEED = Long.getLong("moetier.seed", 19);
    private static final int TEXTS = 60;

    private static final List<String> PIECES = List.of(
            "the",
            " the",
            "The",
            "THE",
            "in",
            "a",
            "aaaa",
            " ",
            "  ",
            "    ",
            "\n",
            "\n\n",
            " \n ",
            "\t",
            "\r\n",
            "1",
            "123",
            "12345",
            " 7",
            ".",
            "!!",
            ", ",
            "'s",
            " 's",
            "'T ",
            "/path/",
            "日本",
            "日 本",
            "日\nx",
            "です",
            "é",
            "e\u0301",
            " \u0301",
            "😀",
            "\u00a0",
            "\u3000",
            "<|end|>",
            " <|end|> a",
            "[x]",
            " [x]",
            "[x] b",
            "x ",
            "Ελλ ",
            "ß s",
            "▁",
            " ▁",
            "x▁ y",
            "<s>",
            "</s> a",
            "a <s>b");

    @Test
    void haveTheTokensOfTheWholeText() {
        Map<String, String> tokenizers = new LinkedHashMap<>();
        PublishedPatterns.words().forEach((name, pattern) -> tokenizers.put(name, TokenizerFiles.cutting(pattern)));
        tokenizers.put("GPT-2, built in", TokenizerFiles.with("pre_tokenizer", TokenizerFiles.bytes(true)));
        tokenizers.put("tiny-mixtral", TokenizerFiles.tinyMixtral());
        for (String form : List.of("NFC", "NFKC", "NFD")) {
            tokenizers.put(form, TokenizerFiles.normalizing(Map.of("type", form)));
        }
        tokenizers.put("signs", withSigns());
        tokenizers.put("words", TokenizerFiles.with("pre_tokenizer", Map.of("type", "Whitespace")));
        tokenizers.put("digits", TokenizerFiles.with("pre_tokenizer", digitsAfterBytes()));
        tokenizers.forEach(SectionsTest::assertSame);
    }

    private static void assertSame(String name, String json) {
        TokenizersLibrary library = TokenizerFiles.library();
        TokenizerBounds bounds = TokenizerFiles.bounds(json);
        long tokenizer = library.createTokenizerFromString(json);
        Random random = new Random(SEED);
        int numSections = 0;
        for (int i = 0; i < TEXTS; i++) {
            String text = text(random);
            List<long[]> parts = new ArrayList<>();
            Sections sections = new Sections(text, bounds, 1 + random.nextInt(40));
            do {
                parts.add(ids(library, tokenizer, sections.next()));
            } while (sections.hasNext());
            numSections += parts.size();
            assertArrayEquals(
                    ids(library, tokenizer, text),
                    parts.stream().flatMapToLong(LongStream::of).toArray(),
                    () -> name + ", -Dmoetier.seed=" + SEED + ": " + text);
        }
        library.deleteTokenizer(tokenizer);
        int found = numSections;
        // CLIP's pattern matches no blanks, so that nothing says where the gap between two matches is cut.
        assertTrue(name.equals("CLIP") || found > 3 * TEXTS, () -> name + ": " + found + " sections");
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        int pieces = random.nextInt(200);
        for (int i = 0; i < pieces; i++) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    private static long[] ids(TokenizersLibrary library, long tokenizer, String text) {
        long encoding = library.encode(tokenizer, text, false);
        try {
            return library.getTokenIds(encoding);
        } finally {
            library.deleteEncoding(encoding);
        }
    }

    private static String withSigns() {
        return TokenizerFiles.with(
                "pre_tokenizer",
                Map.of("type", "Metaspace", "replacement", "▁", "prepend_scheme", "always", "split", true));
    }

    private static Map<String, ?> digitsAfterBytes() {
        return Map.of(
                "type",
                "Sequence",
                "pretokenizers",
                List.of(
                        Map.of("type", "Punctuation", "behavior", "Contiguous"),
                        TokenizerFiles.bytes(true),
                        Map.of("type", "Digits", "individual_digits", false),
                        Map.of(
                                "type",
                                "Split",
                                "pattern",
                                Map.of("Regex", "[0-9][0-9][0-9]"),
                                "behavior",
                                "Isolated",
                                "invert",
                                false)));
    }

    @Test
    void aTextThatCannotBeCutIsOneSection() {
        String json =
                TokenizerFiles.with("normalizer", Map.of("type", "Strip", "strip_left", true, "strip_right", true));
        String text = "a word ".repeat(100);
        Sections sections = new Sections(text, TokenizerFiles.bounds(json), 10);
        assertEquals(text, sections.next());
        assertTrue(!sections.hasNext());
    }

    @Test
    void aSectionThatIsTooLongIsRefused() {
        TokenizerBounds bounds = TokenizerFiles.bounds(TokenizerFiles.tinyMixtral());
        Sections sections = bounds.sections("a".repeat(Limits.CHARACTERS + 1));
        assertEquals(
                "expected a text with a blank between words, where it can be cut, in each 1048576 characters, found"
                        + " 1048577 without",
                assertThrows(IllegalArgumentException.class, sections::next).getMessage());
    }
}
