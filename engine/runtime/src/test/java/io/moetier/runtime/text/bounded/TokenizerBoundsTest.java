package io.moetier.runtime.text.bounded;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.text.regex.PublishedPatterns;
import io.moetier.storage.model.MalformedModelException;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerBoundsTest {
    private static final String LLAMA3 = PublishedPatterns.wordsOf("Llama-3");

    /// Each of these ended the process, or took a time or memory without bound.
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
pre_tokenizer;{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false};\
pre_tokenizer.pattern.Regex: expected a pattern that is sure to end soon, found (a+)+$: it can match a text in a number\
 of ways that doubles with each character, since it repeats what it repeats
pre_tokenizer;{"type":"Split","pattern":{"Regex":"a(("},"behavior":"Isolated","invert":false};\
pre_tokenizer.pattern.Regex: expected a pattern that is sure to end soon, found a((: its end at character 3 is not understood
pre_tokenizer;{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"FixedLength","length":0}]};\
pre_tokenizer.pretokenizers[1].type: expected one of BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace,\
 Punctuation, Sequence, Split, UnicodeScripts, Whitespace, WhitespaceSplit, found FixedLength
normalizer;{"type":"Replace","pattern":{"Regex":"(.*)*"},"content":"$1$1"};\
normalizer.pattern.Regex: expected a pattern that is sure to end soon, found (.*)*: it repeats without end what may be empty
normalizer;{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"type":"Replace","pattern":{"Regex":"a|bb"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]};\
normalizer: expected steps that make a text at most 1000 times longer, found 1600 times
normalizer;{"type":"Precompiled","precompiled_charsmap":"AA=="};\
normalizer.precompiled_charsmap: expected the size of a trie and the trie, found 1 bytes
normalizer;{"type":"Precompiled","precompiled_charsmap":"?"};\
normalizer.precompiled_charsmap: expected base 64, found Input byte[] should at least have 2 bytes for base64 bytes
decoder;{"type":"Strip","content":"a","start":1,"stop":1};decoder.stop: expected 0, found 1
decoder;{"type":"Replace","pattern":{"Regex":"a*b"},"content":""};\
decoder.pattern: expected a pattern that goes back no further in longer texts, found {Regex=a*b}
post_processor;{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],"special_tokens":{}};\
post_processor.single: expected the sequence A, once, found [B]
model;{"type":"BPE","vocab":{"a":4000000000},"merges":[]};model.vocab.a: expected an id from 0 to 2147483647, found 4000000000
model;{"type":"BPE","vocab":{"a":0},"merges":[["a","b"]],"continuing_subword_prefix":"##"};\
model.merges: expected second parts that begin with ##, found b
model;{"type":"WordPiece","vocab":{"a":0},"max_input_chars_per_word":1000000000};\
model.max_input_chars_per_word: expected 0 to 4096, found 1000000000
""")
    void refusesWhatTheLibraryDoesNotSurvive(String key, String value, String message) {
        Object component = TokenizerFiles.parse("{\"value\":" + value + "}").value("value");
        assertEquals("tokenizer.json: " + message, refusal(TokenizerFiles.with(key, component)));
    }

    @Test
    void refusesDeepTriesAndManyTokens() {
        List<?> piece = List.of("a".repeat(100_000), -1.0);
        assertEquals(
                "tokenizer.json: model.vocab: expected pieces of at most 1000 characters, found 100000",
                refusal(TokenizerFiles.with("model", Map.of("type", "Unigram", "vocab", List.of(piece)))));
        assertEquals(
                "tokenizer.json: added_tokens: expected at most 30000 tokens, found 30001",
                refusal(TokenizerFiles.with(
                        "added_tokens", Collections.nCopies(30_001, TokenizerFiles.token(1, "a")))));
    }

    @Test
    void refusesBlanksThatTwoTokensTake() {
        Map<String, Object> first = TokenizerFiles.token(1, "a");
        first.put("rstrip", true);
        Map<String, Object> second = TokenizerFiles.token(2, " ");
        second.put("lstrip", true);
        assertEquals(
                "tokenizer.json: added_tokens[1].content: expected a token that begins with no blank, since others take"
                        + " blanks, found  ",
                refusal(TokenizerFiles.with("added_tokens", List.of(first, second))));
    }

    @Test
    void refusesGarbledRules() {
        byte[] rules = new byte[4 + 1024 + 2];
        rules[1] = 4; // a trie of 1024 bytes
        assertDoesNotThrow(() -> TokenizerFiles.bounds(precompiled(rules)));
        rules[4 + 3] = 1; // leads far beyond the end
        assertTrue(refusal(precompiled(rules)).contains("precompiled_charsmap: expected a trie of more than "));
        rules[1] = 9;
        assertTrue(refusal(precompiled(rules)).contains("precompiled_charsmap: expected a trie of at most "));
    }

    @Test
    void refusesTextsThatAPatternGoesBackOverTooFar() {
        TokenizerBounds bounds = TokenizerFiles.bounds(TokenizerFiles.cutting(LLAMA3));
        assertDoesNotThrow(() -> bounds.check("a" + " ".repeat(10_000) + "b"));
        assertDoesNotThrow(() -> bounds.check("a b! ".repeat(100_000)));
        assertDoesNotThrow(() -> bounds.check("a".repeat(1_000_000)));
        String message = refusal(() -> bounds.check("a" + " ".repeat(500_000) + "b"));
        assertTrue(
                message.startsWith("tokenizer.json: pre_tokenizer.pretokenizers[0].pattern.Regex: expected a text with"
                        + " runs of at most 1"),
                message);
        assertTrue(message.endsWith(", found 500000"), message);
    }

    @Test
    void weighsPatternsWithTheNormalizedText() {
        TokenizerBounds bounds = TokenizerFiles.bounds(TokenizerFiles.normalizing(
                Map.of("type", "Replace", "pattern", Map.of("String", "x"), "content", " ")));
        assertDoesNotThrow(() -> bounds.check("y".repeat(500_000)));
        assertTrue(refusal(() -> bounds.check("x".repeat(500_000))).endsWith("found 500000"));
    }

    @Test
    void refusesTextsThatNormalizersMakeTooLong() {
        TokenizerBounds bounds = TokenizerFiles.bounds(TokenizerFiles.normalizing(
                Map.of("type", "Replace", "pattern", Map.of("String", "x"), "content", "y".repeat(900))));
        assertDoesNotThrow(() -> bounds.check("x".repeat(1000)));
        assertEquals(
                "expected a text that normalizers make at most 4194304 characters long, found one that may become"
                        + " 4500000",
                refusal(() -> bounds.check("x".repeat(5000))));
    }

    @Test
    void knowsHowManyTokensThereAreAtLeast() {
        assertEquals(
                100_000 / "<|end|>".length(),
                TokenizerFiles.bounds(TokenizerFiles.with("decoder", null)).leastTokens("a".repeat(100_000)));
        TokenizerBounds tiny = TokenizerFiles.bounds(TokenizerFiles.tinyMixtral());
        assertTrue(tiny.leastTokens("a".repeat(100_000)) > 1000);
        assertEquals(0, tiny.leastTokens(""));
        // What is unknown becomes one token, be it long or short.
        assertEquals(
                0,
                leastTokens(Map.of(
                        "type",
                        "BPE",
                        "vocab",
                        Map.of("a", 0),
                        "merges",
                        List.of(),
                        "unk_token",
                        "a",
                        "fuse_unk",
                        true)));
        assertEquals(
                1000 / "<|end|>".length(),
                leastTokens(Map.of(
                        "type",
                        "BPE",
                        "vocab",
                        Map.of("a", 0),
                        "merges",
                        List.of(),
                        "unk_token",
                        "a",
                        "fuse_unk",
                        false)));
        assertEquals(
                0,
                TokenizerFiles.bounds(TokenizerFiles.with("pre_tokenizer", Map.of("type", "Whitespace")))
                        .leastTokens(" ".repeat(1000)));
    }

    private static long leastTokens(Map<String, ?> model) {
        return TokenizerFiles.bounds(TokenizerFiles.with("model", model)).leastTokens("b".repeat(1000));
    }

    private static String precompiled(byte[] rules) {
        return TokenizerFiles.normalizing(Map.of(
                "type",
                "Precompiled",
                "precompiled_charsmap",
                Base64.getEncoder().encodeToString(rules)));
    }

    private static String refusal(String json) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> TokenizerFiles.bounds(json), json)
                .getMessage());
    }

    private static String refusal(Runnable check) {
        return String.valueOf(
                assertThrows(IllegalArgumentException.class, check::run).getMessage());
    }
}
