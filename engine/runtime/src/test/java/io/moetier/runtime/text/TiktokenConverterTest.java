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
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TiktokenConverterTest {
    private static final String KIMI = "\"tokenizer_class\":\"TikTokenTokenizer\","
            + "\"auto_map\":{\"AutoTokenizer\":[\"tokenization_kimi.TikTokenTokenizer\",null]},"
            + "\"bos_token\":\"[BOS]\",\"eos_token\":\"[EOS]\"";

    @TempDir
    Path directory;

    private Path model;
    private Path config;

    @BeforeEach
    void name() {
        model = directory.resolve("tiktoken.model");
        config = directory.resolve("tokenizer_config.json");
    }

    @Test
    void joinsNeighboursInTheOrderOfTheRanks() throws IOException {
        // The bytes of "hello" are joined as "he", "ll", "hell" and "hello"; "lo" comes too late. None join those of
        // "東".
        int he = 256;
        write(vocabulary("he", "ll", "hell", "hello", "lo", " w", "or", " wor", "東"));
        try (Tokenizer made = converted()) {
            assertArrayEquals(new int[] {he + 3, he + 7, 'l', 'd'}, made.encode("hello world", true));
            assertArrayEquals(new int[] {he, he + 4}, made.encode("helo", true));
            assertArrayEquals(new int[] {he + 8}, made.encode("東", true));
            assertEquals("hello 東京\n", made.decode(made.encode("hello 東京\n", true), true));
        }
        assertEquals(
                List.of("h e", "l l", "he ll", "hell o", "l o", "Ġ w", "o r", "Ġw or"),
                merges().stream().map(pair -> String.join(" ", pair)).toList());
    }

    /// A word that is a token is one, even if nothing joins its bytes; inside another word it is not found.
    @Test
    void takesWordsWhole() throws IOException {
        write(vocabulary("xyz", "hello"));
        try (Tokenizer made = converted()) {
            assertArrayEquals(new int[] {256}, made.encode("xyz", true));
            assertArrayEquals(new int[] {'x', 'y', 'z', 'a'}, made.encode("xyza", true));
            assertArrayEquals(new int[] {257}, made.encode("hello", true));
        }
        assertEquals(List.of(), merges());
    }

    /// Ranks are put at random, so that tokens are joined of others of higher ranks, in one way here and in none there.
    @Test
    void givesTheIdsOfTiktokenWhateverTheRanksAre() throws IOException {
        Random random = new Random(Long.getLong("seed", 17L));
        for (int round = 0; round < 5; round++) {
            List<String> tokens = new ArrayList<>(vocabulary());
            while (tokens.size() < 400) {
                String token = letters(random, 2 + random.nextInt(5));
                if (!tokens.contains(token)) {
                    tokens.add(token);
                }
            }
            Collections.shuffle(tokens, random);
            write(tokens);
            try (Tokenizer made = converted()) {
                for (int i = 0; i < 200; i++) {
                    String word = letters(random, 1 + random.nextInt(30));
                    assertArrayEquals(ids(tokens, word), made.encode(word, true), word);
                    assertEquals(word, made.decode(made.encode(word, true), true));
                }
            }
        }
    }

    /// The ids of a word as tiktoken finds them.
    private static int[] ids(List<String> tokens, String word) {
        if (tokens.contains(word)) {
            return new int[] {tokens.indexOf(word)};
        }
        List<String> parts =
                new ArrayList<>(word.chars().mapToObj(Character::toString).toList());
        while (true) {
            int lowest = Integer.MAX_VALUE;
            int at = 0;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = tokens.indexOf(parts.get(i) + parts.get(i + 1));
                if (rank >= 0 && rank < lowest) {
                    lowest = rank;
                    at = i;
                }
            }
            if (lowest == Integer.MAX_VALUE) {
                return parts.stream().mapToInt(tokens::indexOf).toArray();
            }
            parts.set(at, parts.get(at) + parts.remove(at + 1));
        }
    }

    private static String letters(Random random, int length) {
        return random.ints(length, 'a', 'd').mapToObj(Character::toString).collect(Collectors.joining());
    }

    @Test
    void cutsWordsAsMoonshotDoes() throws IOException {
        write(vocabulary("東京", "です", "京で", "12", "123"));
        try (Tokenizer made = converted()) {
            assertArrayEquals(new int[] {256, 257}, made.encode("東京です", true));
            assertArrayEquals(new int[] {260, '4'}, made.encode("1234", true));
        }
    }

    @Test
    void numbersMarksBehindTheRanks() throws IOException {
        write(vocabulary("he"));
        Files.writeString(
                config,
                "{" + KIMI + ",\"added_tokens_decoder\":{"
                        + "\"257\":{\"content\":\"[BOS]\",\"special\":true},"
                        + "\"258\":{\"content\":\"[EOS]\",\"special\":true},"
                        + "\"261\":{\"content\":\"<think>\",\"special\":false}}}");
        try (Tokenizer made = converted()) {
            assertEquals(Optional.of(257), made.bosId());
            assertEquals(Optional.of(258), made.eosId());
            int[] ids = made.encode("<think>he<|reserved_token_259|><|reserved_token_512|>[EOS]", true);
            assertArrayEquals(new int[] {261, 256, 259, 512, 258}, ids);
            assertEquals("<think>he", made.decode(ids, true));
            assertEquals("<think>he<|reserved_token_259|><|reserved_token_512|>[EOS]", made.decode(ids, false));
            assertEquals(Optional.empty(), made.idOf("<|reserved_token_513|>"));
            assertEquals(Optional.empty(), made.idOf("<|reserved_token_257|>"));
        }
    }

    @Test
    void ranksMayBeInAnyOrderAndLinesEndAsOnWindows() throws IOException {
        List<String> lines = new ArrayList<>(lines(vocabulary("he", "ll")));
        write(vocabulary("he", "ll"));
        String expected = TiktokenConverter.toTokenizerJson(model, Optional.of(config));
        Collections.reverse(lines);
        Files.writeString(model, String.join("\r\n", lines) + "\r\n\r\n");
        assertEquals(expected, TiktokenConverter.toTokenizerJson(model, Optional.of(config)));
    }

    @Nested
    class Refused {
        @Test
        void areLinesThatAreNoTokenAndRank() throws IOException {
            assertLine("a token in base64, a blank and its rank, found no base64! 5 more", "no base64! 5 more");
            assertLine("a token in base64, found ?", "? 256");
            assertLine("a token in base64, a blank and its rank, found aGU=", "aGU=");
            assertLine("a rank from 0 on, found x", "aGU= x");
            assertLine("a rank from 0 on, found -1", "aGU= -1");
            assertLine("a rank from 0 on, found 4294967296", "aGU= 4294967296");
            assertLine("ranks that differ, found 7 again", "aGU= 7");
            assertLine("tokens that differ, found AA== again", "AA== 256");
            String tooLong = Base64.getEncoder().encodeToString(new byte[1025]);
            assertLine("a token of at most 1024 bytes, found 1025 bytes", tooLong + " 256");
            assertLine("a token in base64, found " + "?".repeat(100) + "…", "?".repeat(5000) + " 256");
        }

        private void assertLine(String message, String line) throws IOException {
            List<String> lines = new ArrayList<>(lines(vocabulary()));
            lines.add(line);
            write(vocabulary());
            Files.writeString(model, String.join("\n", lines));
            assertRefused(model + ": line 257: expected " + message);
        }

        @Test
        void areRanksWithGapsAndFilesThatLackSome() throws IOException {
            List<String> lines = new ArrayList<>(lines(vocabulary()));
            lines.add("aGU= 700");
            write(vocabulary());
            Files.writeString(model, String.join("\n", lines));
            assertRefused(model + ": ranks: expected 0 to 256, as there are 257 tokens, found 700");
            write(vocabulary().subList(0, 255));
            assertRefused(model + ": tokens: expected one for each byte, found none for byte 255");
            Files.writeString(model, "\n");
            assertRefused(model + ": tokens: expected lines of a token and its rank, found none");
            Files.delete(model);
            assertRefused(model + ": no such file");
        }

        @Test
        void areFilesThatNoVocabularyFills() throws IOException {
            write(vocabulary());
            try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
                file.setLength(1L << 33); // takes no disk
            }
            assertRefused(model + ": size: expected at most 16777216 bytes, found 8589934592");
        }

        @Test
        void areTokenizersThatMayCutOtherwise() throws IOException {
            String expected =
                    "expected TikTokenTokenizer of tokenization_kimi or tokenization_moonshot, as tiktoken.model"
                            + " does not say how words are cut, found ";
            write(vocabulary());
            Files.writeString(config, "{}");
            assertRefused(config + ": tokenizer_class: " + expected + "nothing");
            Files.writeString(config, "{\"tokenizer_class\":\"GPT2Tokenizer\"}");
            assertRefused(config + ": tokenizer_class: " + expected + "GPT2Tokenizer");
            Files.writeString(config, "{\"auto_map\":{\"AutoTokenizer\":[\"mine.TikTokenTokenizer\",null]}}");
            assertRefused(config + ": auto_map.AutoTokenizer: " + expected + "mine.TikTokenTokenizer");
            Files.writeString(
                    config, "{\"auto_map\":{\"AutoTokenizer\":\"org/a--tokenization_moonshot.TikTokenTokenizer\"}}");
            assertTrue(TiktokenConverter.toTokenizerJson(model, Optional.of(config))
                    .contains("\"BPE\""));
            assertEquals(
                    model + ": marks: expected a tokenizer_config.json beside it, which names them, found none",
                    messageOf(Optional.empty()));
        }

        @Test
        void areMarksThatAreTokensAlready() throws IOException {
            write(vocabulary("he"));
            writeMark("5", "[X]");
            assertRefused(
                    config + ": added_tokens_decoder: expected ids from 257 on, behind the ranks of tiktoken.model,"
                            + " found 5");
            writeMark("257", "he");
            assertRefused(
                    config + ": added_tokens_decoder: expected marks that no other token is written as, found he");
            writeMark("257", "<|reserved_token_258|>");
            assertRefused(config + ": added_tokens_decoder: expected marks that no other token is written as, found"
                    + " <|reserved_token_258|>");
            writeMark("first", "[X]");
            assertRefused(config + ": added_tokens_decoder: expected ids as keys, found first");
        }

        private void writeMark(String id, String content) throws IOException {
            Files.writeString(
                    config,
                    "{" + KIMI + ",\"added_tokens_decoder\":{\"" + id + "\":{\"content\":\"" + content + "\"}}}");
        }

        @Test
        void areMutatedBytesByName() throws IOException {
            write(vocabulary("he", "ll", "hell", "hello"));
            byte[] good = Files.readAllBytes(model);
            Random random = new Random(Long.getLong("seed", 11L));
            for (int round = 0; round < 60; round++) {
                byte[] bad = random.nextBoolean() ? good.clone() : Arrays.copyOf(good, random.nextInt(good.length) + 1);
                for (int i = random.nextInt(3); i >= 0; i--) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt();
                }
                Files.write(model, bad);
                try {
                    assertFalse(TiktokenFile.read(model).isEmpty());
                } catch (MalformedModelException e) {
                    assertTrue(String.valueOf(e.getMessage()).startsWith(model + ": "), e::getMessage);
                }
            }
        }

        private void assertRefused(String message) {
            assertEquals(message, messageOf(Optional.of(config)));
        }

        private String messageOf(Optional<Path> tokenizerConfig) {
            return String.valueOf(assertThrows(
                            MalformedModelException.class,
                            () -> TiktokenConverter.toTokenizerJson(model, tokenizerConfig))
                    .getMessage());
        }
    }

    /// All bytes, then tokens in UTF-8; each character stands for a byte.
    private static List<String> vocabulary(String... tokens) {
        List<String> all = new ArrayList<>(
                IntStream.range(0, 256).mapToObj(Character::toString).toList());
        for (String token : tokens) {
            all.add(new String(token.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
        }
        return all;
    }

    private static List<String> lines(List<String> tokens) {
        return IntStream.range(0, tokens.size())
                .mapToObj(rank ->
                        Base64.getEncoder().encodeToString(tokens.get(rank).getBytes(StandardCharsets.ISO_8859_1)) + " "
                                + rank)
                .toList();
    }

    private void write(List<String> tokens) throws IOException {
        Files.write(model, lines(tokens));
        Files.writeString(config, "{" + KIMI + "}");
    }

    private Tokenizer converted() throws IOException {
        Path json = Files.writeString(
                directory.resolve("tokenizer.json"), TiktokenConverter.toTokenizerJson(model, Optional.of(config)));
        return Tokenizer.open(json, Optional.of(config), Texts.NATIVE);
    }

    private List<List<String>> merges() {
        String json = TiktokenConverter.toTokenizerJson(model, Optional.of(config));
        JsonObject file = Json.parseObject(json.getBytes(StandardCharsets.UTF_8), model);
        return ((List<?>) Objects.requireNonNull(file.requireObject("model").value("merges")))
                .stream()
                        .map(pair ->
                                ((List<?>) pair).stream().map(String::valueOf).toList())
                        .toList();
    }
}
