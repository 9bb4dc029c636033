package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
    @Test
    void encodesTheReferencePromptsWithTheirFirstToken() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            List<JsonObject> cases = Texts.referenceCases();
            assertEquals(6, cases.size());
            for (JsonObject reference : cases) {
                assertArrayEquals(
                        Texts.ints(reference, "input_ids"),
                        tokenizer.encode(reference.requireString("prompt"), true),
                        reference.requireString("domain"));
            }
        }
    }

    @Test
    void decodesTheReferenceTexts() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            for (JsonObject reference : Texts.referenceCases()) {
                assertEquals(
                        reference.requireString("greedy_text"),
                        tokenizer.decode(Texts.ints(reference, "greedy_ids"), true));
            }
        }
    }

    @Test
    void decodingGivesTheEncodedTextBack() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            for (String text : Texts.DIVERSE) {
                if (!text.contains("▁") && !text.contains("<unk>")) { // these two are not kept by the vocabulary
                    assertEquals(text, tokenizer.decode(tokenizer.encode(text, true), true));
                }
            }
        }
    }

    /// Such a text comes about where one is cut by its length.
    @Test
    void takesHalfACharacterForOneReplacementCharacter() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            assertEquals(
                    "\uFFFDa😀\u0000é\uFFFD", tokenizer.decode(tokenizer.encode("\uDE00a😀\u0000é\uD83D", true), true));
        }
    }

    @Test
    void neverTruncates() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            assertTrue(tokenizer.encode("word ".repeat(5000), true).length > 5000);
        }
    }

    @Test
    void ignoresTruncationAndPaddingOfTheFile(@TempDir Path directory) throws IOException {
        String json = Files.readString(Texts.TOKENIZER_JSON)
                .replaceFirst(
                        "\"truncation\": *null",
                        "\"truncation\":{\"direction\":\"Right\",\"max_length\":4,"
                                + "\"strategy\":\"LongestFirst\",\"stride\":0}")
                .replaceFirst(
                        "\"padding\": *null",
                        "\"padding\":{\"strategy\":{\"Fixed\":64},\"direction\":\"Right\",\"pad_to_multiple_of\":null,"
                                + "\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"<unk>\"}");
        assertTrue(json.contains("max_length") && json.contains("pad_id"));
        Path file = Files.writeString(directory.resolve("tokenizer.json"), json);
        try (Tokenizer plain = Texts.tokenizer();
                Tokenizer tokenizer = Tokenizer.open(file, Optional.empty(), Texts.NATIVE)) {
            String text = "Once upon a time there was a king";
            assertArrayEquals(plain.encode(text, true), tokenizer.encode(text, true));
        }
    }

    @Test
    void theSectionsOfALongTextHaveItsTokens(@TempDir Path directory) throws IOException {
        String text = "Once upon a time, there was a king. \n".repeat(5000);
        Path without = config(directory, "{\"bos_token\":\"<s>\",\"add_bos_token\":false}");
        try (Tokenizer tokenizer = Texts.tokenizer();
                Tokenizer bare = Tokenizer.open(Texts.TOKENIZER_JSON, Optional.of(without), Texts.NATIVE);
                NativeTokenizer whole =
                        NativeTokenizer.create(Files.readString(Texts.TOKENIZER_JSON), Texts.TOKENIZER_JSON)) {
            assertArrayEquals(whole.encode(text, true).ids(), tokenizer.encode(text, true));
            assertArrayEquals(whole.encode(text, false).ids(), tokenizer.encode(text, false));
            assertArrayEquals(whole.encode(text, false).ids(), bare.encode(text, true));
        }
    }

    @Test
    void givesUpATextThatHasTooManyTokens() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            int[] ids = tokenizer.encode("Once upon a time", true);
            assertArrayEquals(
                    ids,
                    tokenizer.encodeAtMost(ids.length, "Once upon a time", true).orElseThrow());
            assertTrue(tokenizer
                    .encodeAtMost(ids.length - 1, "Once upon a time", true)
                    .isEmpty());
            // Known by its length alone: the library would take minutes, and more than is let in.
            assertTrue(
                    tokenizer.encodeAtMost(1024, "a".repeat(50_000_000), true).isEmpty());
        }
    }

    @Test
    void anErrorOfTheLibraryNamesTheFile(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(
                directory.resolve("tokenizer.json"),
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"<unk>\"}}");
        try (Tokenizer tokenizer = Tokenizer.open(file, Optional.empty(), Texts.NATIVE)) {
            assertArrayEquals(new int[] {0, 0}, tokenizer.encode("aa", true));
            assertEquals(
                    file + ": cannot make tokens of a text: Unk token `<unk>` not found in the vocabulary",
                    assertThrows(MalformedModelException.class, () -> tokenizer.encode("b", true))
                            .getMessage());
        }
    }

    @Test
    void refusesTokensOfWhichNormalizersLeaveNothing(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("tokenizer.json"), """
                {"normalizer":{"type":"Strip","strip_left":true,"strip_right":true},
                 "added_tokens":[{"id":1,"content":" ","single_word":false,"lstrip":false,"rstrip":false,
                                  "normalized":true,"special":false}],
                 "model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""");
        assertEquals(
                file + ": added_tokens: expected tokens that normalizers leave something of, found ' '",
                messageOf(file));
    }

    @Test
    void refusesAKeyThatComesTwice(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(
                directory.resolve("tokenizer.json"),
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"vocab\":{\"b\":0}}}");
        assertTrue(messageOf(file).startsWith(file + ": not a JSON object: "));
    }

    @Test
    void findsSpecialTokens() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            assertEquals(Optional.of(1), tokenizer.bosId());
            assertEquals(Optional.of(2), tokenizer.eosId());
            assertEquals(Optional.of("<s>"), tokenizer.bosToken());
            assertEquals(Optional.of("</s>"), tokenizer.eosToken());
            assertEquals(Optional.of(0), tokenizer.idOf("<unk>"));
            assertEquals(Optional.empty(), tokenizer.idOf("<|im_end|>"));
            assertEquals(Optional.empty(), tokenizer.idOf(""));
        }
    }

    @Test
    void knowsNoSpecialTokensWithoutTheConfig() {
        try (Tokenizer tokenizer = Tokenizer.open(Texts.TOKENIZER_JSON, Optional.empty(), Texts.NATIVE)) {
            assertEquals(Optional.empty(), tokenizer.bosId());
            assertEquals(Optional.empty(), tokenizer.eosId());
            assertEquals(1, tokenizer.encode("a", true)[0]);
        }
    }

    @Test
    void readsTokensWrittenAsObjects(@TempDir Path directory) throws IOException {
        Path config = config(directory, "{\"bos_token\":{\"content\":\"<s>\",\"special\":true},\"eos_token\":null}");
        try (Tokenizer tokenizer = Tokenizer.open(Texts.TOKENIZER_JSON, Optional.of(config), Texts.NATIVE)) {
            assertEquals(Optional.of(1), tokenizer.bosId());
            assertEquals(Optional.empty(), tokenizer.eosId());
        }
    }

    @Test
    void theConfigDecidesWhetherATextHasAFirstToken(@TempDir Path directory) throws IOException {
        Path without = config(directory, "{\"bos_token\":\"<s>\",\"add_bos_token\":false}");
        Path other = Files.writeString(
                directory.resolve("other.json"),
                Files.readString(Texts.TOKENIZER_JSON).replaceFirst("\"post_processor\".*\"decoder\"", "\"decoder\""));
        try (Tokenizer expected = Texts.tokenizer();
                Tokenizer bare = Tokenizer.open(Texts.TOKENIZER_JSON, Optional.of(without), Texts.NATIVE);
                Tokenizer added = Tokenizer.open(other, Optional.of(Texts.TOKENIZER_CONFIG), Texts.NATIVE)) {
            assertArrayEquals(expected.encode("a king", false), bare.encode("a king", true));
            assertArrayEquals(expected.encode("a king", true), added.encode("a king", true));
            assertArrayEquals(expected.encode("a king", false), added.encode("a king", false));
        }
    }

    @Test
    void leavesOutIdsBeyondTheVocabulary() {
        try (Tokenizer tokenizer = Texts.tokenizer()) {
            assertEquals("", tokenizer.decode(new int[] {5_000_000}, true));
        }
    }

    @Test
    void failsAfterClosing() {
        Tokenizer tokenizer = Texts.tokenizer();
        tokenizer.close();
        tokenizer.close();
        for (Executable use : List.<Executable>of(
                () -> tokenizer.encode("a", true),
                () -> tokenizer.decode(new int[] {1}, true),
                () -> tokenizer.idOf("a"))) {
            assertEquals(
                    "the tokenizer is closed",
                    assertThrows(IllegalStateException.class, use).getMessage());
        }
    }

    /// Freed under the library, a tokenizer would end this process sooner or later.
    @Test
    void closingWaitsForTheThreadsInTheLibrary() throws InterruptedException {
        String text = "Once upon a time there was a king. ".repeat(50);
        for (int round = 0; round < 20; round++) {
            Tokenizer tokenizer = Texts.tokenizer();
            int[] ids = tokenizer.encode(text, true);
            CountDownLatch begun = new CountDownLatch(2);
            List<String> ends = new CopyOnWriteArrayList<>();
            List<Thread> threads = Stream.<Runnable>of(
                            () -> tokenizer.encode(text, true), () -> tokenizer.decode(ids, true))
                    .map(use -> Thread.ofPlatform().start(() -> ends.add(endOf(use, begun))))
                    .toList();
            begun.await();
            tokenizer.close();
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of("the tokenizer is closed", "the tokenizer is closed"), ends);
        }
    }

    private static String endOf(Runnable use, CountDownLatch begun) {
        try {
            use.run();
            begun.countDown();
            while (true) {
                use.run();
            }
        } catch (RuntimeException e) {
            begun.countDown();
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void namesTheFileThatIsMissingOrMalformed(@TempDir Path directory) throws IOException {
        Path missing = directory.resolve("tokenizer.json");
        String message = messageOf(missing);
        assertEquals(missing + ": no such file; without it text has no tokens", message);
        for (String bad : List.of("", "{", "[1, 2]")) {
            Path file = Files.writeString(missing, bad);
            assertTrue(messageOf(file).startsWith(file + ": not a JSON object: "), bad);
        }
        Files.writeString(missing, "{}");
        assertEquals(missing + ": model: expected an object, found nothing", messageOf(missing));
        Files.writeString(missing, "{\"model\":{\"type\":\"Foo\"}}");
        assertEquals(
                missing + ": model.type: expected one of BPE, Unigram, WordLevel, WordPiece, found Foo",
                messageOf(missing));
        Files.writeString(missing, "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}");
        assertTrue(messageOf(missing).startsWith(missing + ": not a tokenizer: "));
        Files.write(missing, new byte[] {(byte) 0xff, (byte) 0xfe});
        assertTrue(messageOf(missing).startsWith(missing + ": "));
    }

    private static Path config(Path directory, String json) throws IOException {
        return Files.writeString(directory.resolve("tokenizer_config.json"), json);
    }

    private static String messageOf(Path file) {
        return String.valueOf(
                assertThrows(MalformedModelException.class, () -> Tokenizer.open(file, Optional.empty(), Texts.NATIVE))
                        .getMessage());
    }
}
