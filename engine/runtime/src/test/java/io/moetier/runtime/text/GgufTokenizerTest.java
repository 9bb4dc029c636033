package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufTokenizerTest {
    private static final List<String> MERGES = List.of("h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or");
    private static final List<String> MARKS = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    private static final int END = 256 + 7;

    @TempDir
    Path directory;

    @Nested
    class SentencePieces {
        @Test
        void giveTheIdsOfTheCheckpointsOwnFile() throws IOException {
            try (Tokenizer expected = Texts.tokenizer();
                    Tokenizer made = open(GgufMetadata.tinyMixtral())) {
                for (JsonObject reference : Texts.referenceCases()) {
                    assertArrayEquals(
                            Texts.ints(reference, "input_ids"), made.encode(reference.requireString("prompt"), true));
                    assertEquals(
                            reference.requireString("greedy_text"),
                            made.decode(Texts.ints(reference, "greedy_ids"), true));
                }
                for (String text : Texts.DIVERSE) {
                    assertSame(expected, made, text);
                }
                Random random = new Random(Long.getLong("seed", 5L));
                for (int round = 0; round < 200; round++) {
                    assertSame(
                            expected,
                            made,
                            expected.decode(random.ints(20, 3, 4096).toArray(), true));
                }
            }
        }

        @Test
        void haveTheSpecialTokensOfTheCheckpoint() throws IOException {
            try (Tokenizer expected = Texts.tokenizer();
                    Tokenizer made = open(GgufMetadata.tinyMixtral())) {
                assertEquals(Optional.of(1), made.bosId());
                assertEquals(Optional.of(2), made.eosId());
                assertEquals(Optional.of("<s>"), made.bosToken());
                assertEquals(Optional.of("</s>"), made.eosToken());
                assertSame(expected, made, "<s>[INST] a king [/INST]</s>  <unk> <s>");
            }
        }

        @Test
        void beginAndEndATextAsTheFileSays() throws IOException {
            GgufMetadata metadata =
                    GgufMetadata.tinyMixtral().put("add_bos_token", false).put("add_eos_token", true);
            GgufMetadata silent = GgufMetadata.tinyMixtral()
                    .remove("add_bos_token")
                    .remove("add_eos_token")
                    .remove("bos_token_id")
                    .remove("eos_token_id")
                    .remove("unknown_token_id");
            try (Tokenizer plain = Texts.tokenizer();
                    Tokenizer made = open(metadata);
                    Tokenizer byDefault = open(silent)) {
                int[] bare = plain.encode("a king", false);
                int[] ended = Arrays.copyOf(bare, bare.length + 1);
                ended[bare.length] = 2;
                assertArrayEquals(ended, made.encode("a king", true));
                assertArrayEquals(bare, made.encode("a king", false));
                assertSame(plain, byDefault, "a king");
                assertEquals(Optional.of(2), byDefault.eosId());
            }
        }

        @Test
        void putNoBlankBeforeATextThatShallHaveNone() throws IOException {
            try (Tokenizer plain = Texts.tokenizer();
                    Tokenizer made = open(GgufMetadata.tinyMixtral().put("add_space_prefix", false))) {
                assertArrayEquals(plain.encode("king", true), made.encode(" king", true));
                assertEquals(" king", made.decode(plain.encode("king", true), true));
                assertFalse(Arrays.equals(plain.encode("king", true), made.encode("king", true)));
            }
        }

        @Test
        void dropBlanksIfTheFileSaysSo() throws IOException {
            try (Tokenizer made = open(GgufMetadata.tinyMixtral().put("remove_extra_whitespaces", true))) {
                assertArrayEquals(made.encode("a king", true), made.encode("  a   king ", true));
            }
        }

        /// No GGUF file says so. Their template puts a line feed behind each, which their tokenizer takes away.
        @Test
        void marksOfPhiTakeTheBlanksBehindThem() throws IOException {
            GgufMetadata metadata = GgufMetadata.tinyMixtral()
                    .append("<|user|>", 3)
                    .append("<|end|>", 3)
                    .append("<|endoftext|>", 3);
            metadata.put("scores", Collections.nCopies(4096 + 3, 0));
            try (Tokenizer other = open(metadata)) {
                assertFalse(takesBlanks(other, "<|user|>"));
            }
            try (Tokenizer phi = open(metadata.putWhole("general.architecture", "phimoe"))) {
                for (String mark : List.of("<|user|>", "<|end|>", "</s>")) {
                    assertTrue(takesBlanks(phi, mark), mark);
                }
                for (String mark : List.of("<s>", "<|endoftext|>", "<unk>")) {
                    assertFalse(takesBlanks(phi, mark), mark);
                }
            }
        }

        private static boolean takesBlanks(Tokenizer tokenizer, String mark) {
            return Arrays.equals(tokenizer.encode(mark + "king", false), tokenizer.encode(mark + "\n king", false));
        }

        @Test
        void needAScoreForEachToken() {
            assertRefused(
                    GgufMetadata.tinyMixtral().remove("scores"),
                    "tokenizer.ggml.scores: expected a list, found nothing");
            assertRefused(
                    GgufMetadata.tinyMixtral().put("scores", List.of(1)),
                    "tokenizer.ggml.scores: expected 4096 scores, one for each token, found 1");
        }
    }

    @Nested
    class MergedPieces {
        /// The scores of the test model say what merges first, and here a list does.
        @Test
        void giveTheIdsOfTheEquivalentScores() throws IOException {
            GgufMetadata scored = GgufMetadata.tinyMixtral().put("add_space_prefix", false);
            GgufMetadata listed = GgufMetadata.tinyMixtral()
                    .put("model", "gemma4")
                    .remove("scores")
                    .remove("add_bos_token")
                    .put("merges", merges(scored));
            try (Tokenizer expected = open(scored);
                    Tokenizer made = open(listed)) {
                for (String text : Texts.DIVERSE) {
                    assertSame(expected, made, text);
                }
                Random random = new Random(Long.getLong("seed", 6L));
                for (int round = 0; round < 200; round++) {
                    int[] ids = random.ints(20, 3, 4096).toArray();
                    assertSame(expected, made, expected.decode(ids, true));
                    assertEquals(expected.decode(ids, true), made.decode(ids, true));
                }
            }
        }

        /// Ollama's converter calls them `llama`, and writes scores too.
        @Test
        void areKnownByThePreTokenizerThatFilesOfOllamaName() {
            GgufMetadata metadata = GgufMetadata.tinyMixtral()
                    .put("merges", merges(GgufMetadata.tinyMixtral()))
                    .put("pre", "gemma4");
            String expected = GgufTokenizer.toTokenizerJson(
                    metadata.put("model", "gemma4").json());
            assertEquals(
                    expected,
                    GgufTokenizer.toTokenizerJson(metadata.put("model", "llama").json()));
        }

        private static List<String> merges(GgufMetadata metadata) {
            byte[] json = GgufTokenizer.toTokenizerJson(metadata.json()).getBytes(StandardCharsets.UTF_8);
            JsonObject model = Json.parseObject(json, GgufMetadata.FILE).requireObject("model");
            return ((List<?>) Objects.requireNonNull(model.value("merges")))
                    .stream()
                            .map(pair -> ((List<?>) pair).get(0) + " " + ((List<?>) pair).get(1))
                            .toList();
        }

        @Test
        void areOfNewlinesOrOfOtherText() throws IOException {
            GgufMetadata metadata = new GgufMetadata()
                    .put("model", "gemma4")
                    .put(
                            "tokens",
                            List.of("<unk>", "<bos>", "<turn|>", "\n", "\n\n", "a", "\u2581", "\u2581a", "<0x62>"))
                    .put("token_type", List.of(2, 3, 3, 1, 1, 1, 1, 1, 6))
                    .put("merges", List.of("\n \n", "\u2581 a"))
                    .put("bos_token_id", 1)
                    .put("unknown_token_id", 0);
            try (Tokenizer made = open(metadata)) {
                assertArrayEquals(new int[] {1, 7, 4, 3, 5, 7, 8, 2}, made.encode(" a\n\n\na ab<turn|>", true));
                assertEquals(" a\n\n\na ab", made.decode(new int[] {7, 4, 3, 5, 7, 8}, true));
            }
            try (Tokenizer early = open(metadata.put("add_bos_token", false))) {
                assertArrayEquals(new int[] {1, 5}, early.encode("a", true));
            }
            assertEquals(
                    List.of(2),
                    Json.parseObject(
                                    GgufTokenizer.toGenerationConfigJson(metadata.json())
                                            .getBytes(StandardCharsets.UTF_8),
                                    GgufMetadata.FILE)
                            .optionalInts("eos_token_id")
                            .orElseThrow());
        }
    }

    @Nested
    class BytePairs {
        @Test
        void giveTheIdsOfTheEquivalentFile() throws IOException {
            GgufMetadata metadata =
                    GgufMetadata.bytePairs("qwen2", MERGES, MARKS).append("<tool_call>", 4);
            try (Tokenizer expected = Tokenizer.open(qwenFile(), Optional.empty(), Texts.NATIVE);
                    Tokenizer made = open(metadata)) {
                for (String text : Texts.DIVERSE) {
                    assertSame(expected, made, text);
                }
                assertSame(expected, made, "<|im_start|>hello world<|im_end|>\n<tool_call>hello</tool_call>");
            }
        }

        @Test
        void mergeInTheListedOrder() throws IOException {
            try (Tokenizer made = open(GgufMetadata.bytePairs("gpt-2", MERGES, MARKS))) {
                assertArrayEquals(new int[] {259, 262, 'l', 'd'}, made.encode("hello world", true));
                assertEquals("hello world", made.decode(new int[] {259, 262, 'l', 'd'}, true));
                assertEquals("日本 😀\n", made.decode(made.encode("日本 😀\n", true), true));
            }
        }

        @Test
        void takeAWordWholeWhereTheModelsDo() throws IOException {
            int whole = 256 + MERGES.size();
            Function<String, GgufMetadata> metadata =
                    pre -> GgufMetadata.bytePairs(pre, MERGES, List.of()).append("xyz", 1);
            try (Tokenizer llama = open(metadata.apply("llama-bpe"));
                    Tokenizer kimi = open(metadata.apply("kimi-k2"));
                    Tokenizer qwen = open(metadata.apply("qwen2"))) {
                assertArrayEquals(new int[] {whole}, llama.encode("xyz", false));
                assertArrayEquals(new int[] {whole}, kimi.encode("xyz", false));
                assertEquals(3, qwen.encode("xyz", false).length);
            }
        }

        @Test
        void leaveMarksOutOfTextButNotTokensOfTheUser() throws IOException {
            GgufMetadata metadata = GgufMetadata.bytePairs("qwen2", MERGES, MARKS)
                    .append("<think>", 4)
                    .append("    ", 4)
                    .append("[PAD268]", 5);
            try (Tokenizer made = open(metadata)) {
                int[] ids = made.encode("<|im_start|><think>    hello<|im_end|>", true);
                assertArrayEquals(new int[] {END + 1, END + 3, END + 4, 259, END + 2}, ids);
                assertEquals("<think>    hello", made.decode(ids, true));
                assertEquals("<|im_start|><think>    hello<|im_end|>", made.decode(ids, false));
                assertEquals("hello", made.decode(new int[] {259, END + 5}, true));
                assertEquals(Optional.empty(), made.idOf("[PAD268]"));
            }
        }

        @Test
        void haveAFirstTokenWhereTheFileOrTheModelsSaySo() throws IOException {
            Function<String, GgufMetadata> metadata = pre -> GgufMetadata.bytePairs(pre, MERGES, MARKS)
                    .put("bos_token_id", END)
                    .put("eos_token_id", END + 2);
            try (Tokenizer llama = open(metadata.apply("llama-bpe"));
                    Tokenizer qwen = open(metadata.apply("qwen2"));
                    Tokenizer told = open(
                            metadata.apply("qwen2").put("add_bos_token", true).put("add_eos_token", true));
                    Tokenizer forbidden = open(metadata.apply("llama-bpe").put("add_bos_token", false))) {
                assertArrayEquals(new int[] {END, 259}, llama.encode("hello", true));
                assertArrayEquals(new int[] {259}, qwen.encode("hello", true));
                assertArrayEquals(new int[] {END, 259, END + 2}, told.encode("hello", true));
                assertArrayEquals(new int[] {259}, forbidden.encode("hello", true));
            }
        }

        @Test
        void treatANamedEndAsAMarkWhateverItsType() throws IOException {
            GgufMetadata metadata = GgufMetadata.bytePairs("olmo", MERGES, List.of())
                    .append("<|end|>", 1)
                    .put("eos_token_id", END);
            try (Tokenizer made = open(metadata)) {
                assertArrayEquals(new int[] {259, END}, made.encode("hello<|end|>", true));
                assertEquals("hello", made.decode(new int[] {259, END}, true));
            }
        }

        @Test
        void needTokensThatMergesMake() {
            assertRefused(
                    GgufMetadata.bytePairs("qwen2", MERGES, MARKS).put("merges", List.of("h e", "q q")),
                    "tokenizer.ggml.merges[1]: expected two tokens that make a token, with a blank between them,"
                            + " found q q");
            assertRefused(
                    GgufMetadata.bytePairs("qwen2", MERGES, MARKS).put("merges", List.of("he")),
                    "tokenizer.ggml.merges[0]: expected two tokens that make a token, with a blank between them,"
                            + " found he");
            assertRefused(
                    GgufMetadata.bytePairs("qwen2", MERGES, MARKS).remove("merges"),
                    "tokenizer.ggml.merges: expected a list, found nothing");
        }

        /// The file of Qwen3's tokenizer with the vocabulary of this test.
        private Path qwenFile() throws IOException {
            JsonObject made = parse(GgufTokenizer.toTokenizerJson(
                    GgufMetadata.bytePairs("qwen2", MERGES, List.of()).json()));
            String vocabulary = Json.write(made.requireObject("model").asMap().getOrDefault("vocab", Map.of()));
            String merges = Json.write(MERGES);
            StringBuilder added = new StringBuilder();
            for (int i = 0; i < 4; i++) {
                added.append(i == 0 ? "" : ",")
                        .append("{\"id\":" + (END + i) + ",\"content\":\"")
                        .append(i < 3 ? MARKS.get(i) : "<tool_call>")
                        .append("\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,")
                        .append("\"special\":" + (i < 3) + "}");
            }
            return Files.writeString(directory.resolve("qwen.json"), """
                {"version":"1.0","truncation":null,"padding":null,"added_tokens":[%s],"normalizer":{"type":"NFC"},
                 "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
                 "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
                 },"behavior":"Isolated","invert":false},
                 {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}]},
                 "post_processor":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false},
                 "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false},
                 "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"",
                 "end_of_word_suffix":"","fuse_unk":false,"byte_fallback":false,"vocab":%s,"merges":%s}}
                """.formatted(added, vocabulary, merges));
        }
    }

    @Test
    void namesTheEndsOfAnAnswer() {
        JsonObject config = parse(
                GgufTokenizer.toGenerationConfigJson(GgufMetadata.tinyMixtral().json()));
        assertEquals(1, config.requireInt("bos_token_id"));
        assertEquals(Optional.of(List.of(2)), config.optionalInts("eos_token_id"));
        GgufMetadata chat = GgufMetadata.bytePairs("llama-bpe", MERGES, List.of("<|a|>", "<|b|>", "<|c|>"))
                .put("eos_token_id", END)
                .put("eot_token_id", END + 2)
                .put("eom_token_id", END + 1);
        JsonObject several = parse(GgufTokenizer.toGenerationConfigJson(chat.json()));
        assertEquals(Optional.of(List.of(END, END + 2, END + 1)), several.optionalInts("eos_token_id"));
        assertFalse(several.has("bos_token_id"));
    }

    @Test
    void namesTheTokensThatAreNeverDrawn() {
        GgufMetadata metadata = GgufMetadata.tinyMixtral().put("suppress_tokens", List.of(7, 5));
        assertEquals(
                Optional.of(List.of(7, 5)),
                parse(GgufTokenizer.toGenerationConfigJson(metadata.json())).optionalInts("suppress_tokens"));
    }

    /// Ollama's converter has them from `generation_config.json`.
    @Test
    void listsAllEndsThatFilesOfOllamaList() {
        GgufMetadata metadata = GgufMetadata.bytePairs("glm4", MERGES, List.of("<|a|>", "<|b|>"))
                .append("<|c|>", 1)
                .put("eos_token_id", END)
                .put("eos_token_ids", List.of(END, END + 2));
        JsonObject config = parse(GgufTokenizer.toGenerationConfigJson(metadata.json()));
        assertEquals(Optional.of(List.of(END, END + 2)), config.optionalInts("eos_token_id"));
        assertTrue(isMark(metadata, "<|c|>"), "so that it does not show in an answer");
        assertRefused(
                metadata.put("eos_token_ids", List.of(END + 3)),
                "tokenizer.ggml.eos_token_ids: expected an id from 0 to " + (END + 2) + ", found " + (END + 3));
    }

    private static boolean isMark(GgufMetadata metadata, String token) {
        return parse(GgufTokenizer.toTokenizerJson(metadata.json())).requireObjects("added_tokens").stream()
                .anyMatch(mark -> mark.requireString("content").equals(token)
                        && mark.optionalBoolean("special").orElse(false));
    }

    /// Ollama's converter knew no name for them.
    @Test
    void textsOfArchitecturesThatOnlyOllamaHasAreCutAsTheirModelsDo() {
        assertCutLike("gpt-4o", "gptoss");
        assertCutLike("glm4", "glm4moelite");
        assertCutLike("pixtral", "nemotron_h_omni");
    }

    private static void assertCutLike(String pre, String architecture) {
        String expected = GgufTokenizer.toTokenizerJson(
                GgufMetadata.bytePairs(pre, MERGES, MARKS).json());
        GgufMetadata unnamed =
                GgufMetadata.bytePairs("default", MERGES, MARKS).putWhole("general.architecture", architecture);
        assertEquals(expected, GgufTokenizer.toTokenizerJson(unnamed.json()));
        assertEquals(
                expected, GgufTokenizer.toTokenizerJson(unnamed.remove("pre").json()));
    }

    private static List<Integer> ends(String pre, String... marks) {
        GgufMetadata metadata =
                GgufMetadata.bytePairs(pre, MERGES, List.of(marks)).put("eos_token_id", END);
        return parse(GgufTokenizer.toGenerationConfigJson(metadata.json()))
                .optionalInts("eos_token_id")
                .orElseThrow();
    }

    @Test
    void anAnswerEndsWithItsTurnEvenIfTheFileNamesOnlyTheEndOfAText() {
        GgufMetadata metadata = GgufMetadata.bytePairs("qwen2", MERGES, MARKS).put("eos_token_id", END);
        JsonObject config = parse(GgufTokenizer.toGenerationConfigJson(metadata.json()));
        assertEquals(Optional.of(List.of(END, END + 2)), config.optionalInts("eos_token_id"));
        assertEquals(List.of(END, END + 1), ends("llama-bpe", "<|endoftext|>", "<|end|>", "<|user|>"), "as Phi's");
        assertEquals(
                List.of(END, END + 2, END + 3),
                ends("gpt-4o", "<|endoftext|>", "<|end|>", "<|return|>", "<|call|>"),
                "of messages an answer of gpt-oss has several");
        assertEquals(
                List.of(END, END + 2, END + 3),
                ends("solar-open", "<|endoftext|>", "<|end|>", "<|flush|>", "<|calls|>"),
                "and one of Solar Open, whose first ends its thoughts");
        List<String> harmony = List.of("<|endoftext|>", "<|end|>", "<|return|>");
        GgufMetadata ofMessages =
                GgufMetadata.bytePairs("gpt-4o", MERGES, harmony).put("eot_token_id", END + 1);
        assertEquals(
                Optional.of(List.of(END + 2, END)),
                parse(GgufTokenizer.toGenerationConfigJson(ofMessages.json())).optionalInts("eos_token_id"));
        JsonObject none = parse(GgufTokenizer.toGenerationConfigJson(
                GgufMetadata.bytePairs("qwen2", MERGES, List.of()).json()));
        assertFalse(none.has("eos_token_id"));
    }

    /// As in `generation_config.json` of Qwen3, Llama 4 and Gemma 4, whose files name one of them.
    @Test
    void anAnswerEndsWithItsTextEvenIfTheFileNamesOnlyTheEndOfATurn() {
        assertEquals(List.of(END, END + 1), ends("qwen2", "<|im_end|>", "<|endoftext|>", "<|im_start|>"));
        assertEquals(List.of(END, END + 1, END + 2), ends("llama4", "<|eot|>", "<|eom|>", "<|end_of_text|>"));
        assertEquals(List.of(END, END + 1), ends("qwen2", "<|endoftext|>", "<|endofresponse|>"), "of dots.llm1");
        assertEquals(
                List.of(END, END + 1, END + 2),
                ends("llama-bpe", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
                "of Llama 3.1");
        assertEquals(List.of(END, END + 1), ends("gpt-2", "<turn|>", "<eos>"), "of Gemma 4");
        assertEquals(List.of(END, END + 1, END + 2), ends("kimi-k2", "<|im_end|>", "[EOS]", "[EOT]"), "of Kimi K2");
        assertEquals(List.of(END, END + 1), ends("pixtral", "<|im_end|>", "</s>"), "of Nemotron 3");
        GgufMetadata gemma = GgufMetadata.bytePairs("gpt-2", MERGES, List.of("<turn|>"))
                .append("<|tool_response>", 4)
                .append("<|endoftext|>", 1)
                .append("</s>", 4) // the end of struck text
                .put("eos_token_id", END);
        assertEquals(
                Optional.of(List.of(END, END + 1)),
                parse(GgufTokenizer.toGenerationConfigJson(gemma.json())).optionalInts("eos_token_id"),
                "but not with text");
    }

    @Test
    void keepsTheChatTemplate() throws IOException {
        GgufMetadata metadata = GgufMetadata.tinyMixtral()
                .putWhole("tokenizer.chat_template", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
        String config = GgufTokenizer.toTokenizerConfigJson(metadata.json());
        assertEquals("<s>hi</s>", rendered(config));
        metadata.putWhole("tokenizer.chat_templates", List.of("tool_use", "missing"))
                .putWhole("tokenizer.chat_template.tool_use", "tools");
        String named = GgufTokenizer.toTokenizerConfigJson(metadata.json());
        assertEquals("<s>hi</s>", rendered(named));
        assertEquals(
                List.of("default", "tool_use"),
                parse(named).requireObjects("chat_template").stream()
                        .map(template -> template.requireString("name"))
                        .toList());
        assertFalse(parse(GgufTokenizer.toTokenizerConfigJson(
                        GgufMetadata.tinyMixtral().json()))
                .has("chat_template"));
    }

    @Test
    void leavesOutATokenToPadWithThatIsNone() {
        GgufMetadata metadata = GgufMetadata.tinyMixtral().put("padding_token_id", 4294967295L);
        assertFalse(parse(GgufTokenizer.toTokenizerConfigJson(metadata.json())).has("pad_token"));
        metadata.put("padding_token_id", 0);
        assertEquals(
                "<unk>",
                parse(GgufTokenizer.toTokenizerConfigJson(metadata.json())).requireString("pad_token"));
    }

    /// As in files that llama.cpp itself saved.
    @Test
    void tokensThatAreNoneMeanWhatTheirAbsenceDoes() {
        GgufMetadata none = GgufMetadata.tinyMixtral();
        List.of("bos", "eos", "eot", "eom", "unknown").forEach(name -> none.put(name + "_token_id", 4294967295L));
        assertEquals(
                GgufTokenizer.toTokenizerJson(GgufMetadata.tinyMixtral().json()),
                GgufTokenizer.toTokenizerJson(none.json()));
        GgufMetadata pairs = GgufMetadata.bytePairs("qwen2", MERGES, MARKS).put("bos_token_id", 4294967295L);
        assertFalse(parse(GgufTokenizer.toGenerationConfigJson(pairs.json())).has("bos_token_id"));
    }

    /// As in files that llama.cpp itself saved: of Phi, of models with marks that are unused, or typed as text.
    @Test
    void tokensOfNoOneTypeAreMarks() throws IOException {
        GgufMetadata metadata = GgufMetadata.bytePairs("qwen2", MERGES, MARKS)
                .append("<|user|>", 0)
                .append("<|end|>", 0);
        try (Tokenizer made = open(metadata)) {
            int[] ids = {END + 3, 259, END + 4};
            assertArrayEquals(ids, made.encode("<|user|>hello<|end|>", true));
            assertEquals("hello", made.decode(ids, true));
        }
        assertTrue(parse(GgufTokenizer.toGenerationConfigJson(metadata.json()))
                .requireLongs("eos_token_id")
                .contains(END + 4L));
    }

    @Test
    void saysWhetherThereIsATokenizer() {
        assertTrue(GgufTokenizer.isPresent(GgufMetadata.tinyMixtral().json()));
        assertTrue(
                GgufTokenizer.isPresent(new GgufMetadata().put("model", "bert").json()));
        assertFalse(GgufTokenizer.isPresent(
                new GgufMetadata().put("model", "no_vocab").json()));
        assertFalse(GgufTokenizer.isPresent(new GgufMetadata().json()));
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        for (String model : List.of("bert", "t5", "rwkv", "plamo2")) {
            assertRefused(
                    GgufMetadata.tinyMixtral().put("model", model),
                    "tokenizer.ggml.model: expected llama, gpt2 or gemma4, found " + model);
        }
        assertRefused(
                GgufMetadata.bytePairs("superbpe", MERGES, MARKS),
                "tokenizer.ggml.pre: expected one of " + PreTokenizer.names() + ", found superbpe");
    }

    @Test
    void namesWhatIsWrongWithTheVocabulary() {
        assertWrong("tokens: expected a list of tokens, found nothing", metadata -> metadata.remove("tokens"));
        assertWrong("tokens: expected a list of strings, found [1]", metadata -> metadata.put("tokens", List.of(1)));
        assertWrong(
                "token_type: expected 266 types, one for each token, found 1",
                metadata -> metadata.put("token_type", List.of(1)));
        assertWrong("token_type[266]: expected 0 to 6, found 7", metadata -> metadata.append("x y", 7));
        assertWrong(
                "tokens[266]: expected a token that no other id has, found the token of id 259 again: hello",
                metadata -> metadata.append("hello", 1));
        assertWrong(
                "eos_token_id: expected an id from 0 to 265, found 266", metadata -> metadata.put("eos_token_id", 266));
        assertWrong("bos_token_id: expected an integer, found \"x\"", metadata -> metadata.put("bos_token_id", "x"));
    }

    @Test
    void tellsEmptyTokensApart() throws IOException {
        GgufMetadata metadata =
                GgufMetadata.bytePairs("qwen2", MERGES, MARKS).append("", 1).append("", 1);
        try (Tokenizer made = open(metadata)) {
            assertEquals(1, made.encode("hello", true).length);
        }
    }

    private static void assertWrong(String expected, Consumer<GgufMetadata> change) {
        GgufMetadata metadata = GgufMetadata.bytePairs("qwen2", MERGES, MARKS);
        change.accept(metadata);
        assertRefused(metadata, "tokenizer.ggml." + expected);
    }

    private static void assertRefused(GgufMetadata metadata, String expected) {
        String message = String.valueOf(
                assertThrows(MalformedModelException.class, () -> GgufTokenizer.toTokenizerJson(metadata.json()))
                        .getMessage());
        assertEquals(GgufMetadata.FILE + ": " + expected, message);
    }

    private static void assertSame(Tokenizer expected, Tokenizer made, String text) {
        int[] ids = expected.encode(text, true);
        assertArrayEquals(ids, made.encode(text, true), text);
        assertArrayEquals(expected.encode(text, false), made.encode(text, false), text);
        assertEquals(expected.decode(ids, true), made.decode(ids, true));
        assertEquals(expected.decode(ids, false), made.decode(ids, false));
    }

    private Tokenizer open(GgufMetadata metadata) throws IOException {
        Path json =
                Files.writeString(directory.resolve("tokenizer.json"), GgufTokenizer.toTokenizerJson(metadata.json()));
        Path config = Files.writeString(
                directory.resolve("tokenizer_config.json"), GgufTokenizer.toTokenizerConfigJson(metadata.json()));
        return Tokenizer.open(json, Optional.of(config), Texts.NATIVE);
    }

    private String rendered(String tokenizerConfig) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), tokenizerConfig);
        return ChatTemplate.find(directory, Clock.systemUTC())
                .orElseThrow()
                .render(List.of(new ChatMessage("user", "hi")), true);
    }

    private static JsonObject parse(String json) {
        return Json.parseObject(json.getBytes(StandardCharsets.UTF_8), Path.of("made.json"));
    }
}
