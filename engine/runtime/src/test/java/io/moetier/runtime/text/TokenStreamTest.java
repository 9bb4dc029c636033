package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenStreamTest {
    private static Tokenizer tokenizer;

    @BeforeAll
    static void open() {
        tokenizer = Texts.tokenizer();
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void piecesOfTheReferenceTextsAddUp() {
        for (JsonObject reference : Texts.referenceCases()) {
            assertAddsUp(Texts.ints(reference, "greedy_ids"));
            assertAddsUp(Texts.ints(reference, "input_ids"));
        }
    }

    @Test
    void piecesOfDiverseTextsAddUpAndAreNeverBroken() {
        for (String text : Texts.DIVERSE) {
            int[] ids = tokenizer.encode(text, true);
            assertAddsUp(ids);
            if (!text.contains("\uFFFD")) {
                assertFalse(String.join("", pieces(TokenStream.of(tokenizer, true), ids))
                        .contains("\uFFFD"));
            }
        }
    }

    @Test
    void piecesOfRandomTextsAddUp() {
        long seed = Long.getLong("seed", 20250817L);
        Random random = new Random(seed);
        String[] parts = {" ", "  ", "\n", "a", "king", "日", "本", "春", "😀", "é", "ไ", "7", "(", "\uFFFD", "</s>", "<s>"
        };
        for (int round = 0; round < 500; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(12); i >= 0; i--) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            assertAddsUp(tokenizer.encode(text.toString(), random.nextBoolean()));
        }
    }

    @Test
    void randomTokensDifferOnlyInReplacementCharacters() {
        Random random = new Random(Long.getLong("seed", 20250818L));
        for (int round = 0; round < 500; round++) {
            // Half of them bytes, so that most are no characters.
            int[] ids = random.ints(random.nextInt(1, 30), 0, random.nextBoolean() ? 300 : 4096)
                    .toArray();
            String whole = tokenizer.decode(ids, true);
            String streamed = String.join("", pieces(TokenStream.of(tokenizer, true), ids));
            if (whole.contains("\uFFFD")) {
                assertTrue(streamed.contains("\uFFFD"), () -> Arrays.toString(ids));
            } else {
                assertEquals(whole, streamed, () -> Arrays.toString(ids));
            }
        }
    }

    @Test
    void holdsACharacterBackUntilItsLastByte() {
        int[] ids = tokenizer.encode("😀!", false);
        TokenStream stream = TokenStream.of(tokenizer, true);
        List<String> pieces = pieces(stream, ids);
        assertTrue(pieces.contains("😀"), pieces::toString);
        assertEquals("😀!", String.join("", pieces));
    }

    /// Each token ends one character and begins the next, as byte pairs of Japanese may.
    @Test
    void waitsWhileEachTokenCompletesACharacter(@TempDir Path directory) throws IOException {
        String vocabulary = """
                {"ãģ": 0, "Ĥãģ": 1, "Ħãģ": 2, "Ĩãģ": 3, "Īãģ": 4, "Ĭãģ": 5, "ĭãģ": 6, "į": 7}
                """;
        try (Tokenizer straddling = bytePairs(vocabulary, directory)) {
            int[] ids = {0, 1, 2, 3, 4, 5, 6, 7};
            assertEquals("あいうえおかき", straddling.decode(ids, true));
            assertEquals("あいうえおかき", String.join("", pieces(TokenStream.of(straddling, true), ids)));
        }
    }

    @Test
    void waitsForACharacterBehindReplacementCharacters(@TempDir Path directory) throws IOException {
        String vocabulary = """
                {"ï¿½": 0, "ð": 1, "Ł": 2, "ĺ": 3, "Ģ": 4}
                """;
        try (Tokenizer byBytes = bytePairs(vocabulary, directory)) {
            int[] ids = {0, 0, 1, 2, 3, 4};
            assertEquals("\uFFFD\uFFFD😀", byBytes.decode(ids, true));
            assertEquals("\uFFFD\uFFFD😀", String.join("", pieces(TokenStream.of(byBytes, true), ids)));
        }
    }

    private static Tokenizer bytePairs(String vocabulary, Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
                 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
                 "post_processor": null,
                 "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
                 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                           "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "merges": [],
                           "vocab": %s}}
                """.formatted(vocabulary));
        return Tokenizer.open(file, Optional.empty(), directory);
    }

    @Test
    void givesUpOnBytesThatAreNoCharacter() {
        int invalid = 0xFF + 3;
        TokenStream stream = TokenStream.of(tokenizer, true);
        assertEquals("", stream.next(invalid));
        assertEquals("", stream.next(invalid));
        assertEquals("", stream.next(invalid));
        assertEquals("\uFFFD", stream.next(invalid));
        assertEquals("\uFFFD", stream.next(invalid));
        assertEquals("\uFFFD\uFFFD\uFFFD", stream.finish());
        assertEquals("", stream.finish());
    }

    @Test
    void keepsTheBlankBetweenPromptAndAnswer() {
        int[] prompt = tokenizer.encode("Once upon", true);
        int[] all = tokenizer.encode("Once upon a time", true);
        int[] answer = Arrays.copyOfRange(all, prompt.length, all.length);
        assertEquals(" a time", String.join("", pieces(TokenStream.after(prompt, tokenizer, true), answer)));
        assertEquals("a time", String.join("", pieces(TokenStream.of(tokenizer, true), answer)));
    }

    /// The last tokens of the prompt, which the answer is decoded behind, begin within a character of three bytes.
    @Test
    void continuesAPromptWhoseCharactersAreSpeltInBytes() {
        int[] prompt = tokenizer.encode("Name: 龘龘龘龘", true);
        int[] all = tokenizer.encode("Name: 龘龘龘龘鱻鱻!", true);
        int[] answer = Arrays.copyOfRange(all, prompt.length, all.length);
        assertEquals("鱻鱻!", String.join("", pieces(TokenStream.after(prompt, tokenizer, true), answer)));
    }

    /// Decoding all at once makes replacement characters of all bytes in a row of which one is stray.
    @Test
    void strayBytesLeaveTheCharactersBesideThemAlone() {
        int[] prompt = tokenizer.encode("king", true);
        for (String wanted : List.of("�é", "é�", "你�好�", "��😀a�é", "�你 king�龘")) {
            List<String> pieces = pieces(TokenStream.after(prompt, tokenizer, true), spelt(wanted));
            assertEquals(wanted, String.join("", pieces), pieces::toString);
        }
    }

    /// The bytes that a prompt of token ids ends with are the first of a character, or of none.
    @Test
    void continuesACharacterThatThePromptBegins() {
        for (int cut = 1; cut < 4; cut++) {
            for (String before : List.of("", "king", "king 你", "�你")) {
                int[] all = spelt(before + "😀好 a�");
                int from = spelt(before).length + cut;
                int[] prompt = Arrays.copyOf(all, from);
                assertEquals("😀好 a�", continued(prompt, Arrays.copyOfRange(all, from, all.length)));
                assertEquals("king", continued(prompt, spelt("king")));
                assertEquals("�好", continued(prompt, spelt("�好")));
            }
        }
    }

    private static String continued(int[] prompt, int[] answer) {
        return String.join("", pieces(TokenStream.after(prompt, tokenizer, true), answer));
    }

    /// Returns the ids of the bytes of a text, in which a byte that is no character's stands for each replacement
    /// character.
    private static int[] spelt(String text) {
        return text.codePoints()
                .mapToObj(character -> character == 0xFFFD
                        ? new byte[] {(byte) 0xFF}
                        : Character.toString(character).getBytes(StandardCharsets.UTF_8))
                .flatMapToInt(bytes -> IntStream.range(0, bytes.length).map(i -> Byte.toUnsignedInt(bytes[i]) + 3))
                .toArray();
    }

    @Test
    void showsMarksOnlyIfAsked() {
        int[] ids = {1, 391, 655, 2};
        assertEquals("had been", String.join("", pieces(TokenStream.of(tokenizer, true), ids)));
        assertEquals(tokenizer.decode(ids, false), String.join("", pieces(TokenStream.of(tokenizer, false), ids)));
    }

    private static void assertAddsUp(int[] ids) {
        for (boolean skipSpecial : new boolean[] {true, false}) {
            assertEquals(
                    tokenizer.decode(ids, skipSpecial),
                    String.join("", pieces(TokenStream.of(tokenizer, skipSpecial), ids)),
                    () -> Arrays.toString(ids));
        }
    }

    private static List<String> pieces(TokenStream stream, int[] ids) {
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(stream.next(id));
        }
        pieces.add(stream.finish());
        return pieces;
    }
}
