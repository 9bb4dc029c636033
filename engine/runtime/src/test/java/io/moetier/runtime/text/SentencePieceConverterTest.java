package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentencePieceConverterTest {
    @TempDir
    Path directory;

    @Test
    void theConvertedModelGivesTheIdsOfTheCheckpointsOwnFile() throws IOException {
        try (Tokenizer expected = Texts.tokenizer();
                Tokenizer converted = converted(Texts.TOKENIZER_MODEL, Optional.of(Texts.TOKENIZER_CONFIG))) {
            for (JsonObject reference : Texts.referenceCases()) {
                assertArrayEquals(
                        Texts.ints(reference, "input_ids"), converted.encode(reference.requireString("prompt"), true));
                assertEquals(
                        reference.requireString("greedy_text"),
                        converted.decode(Texts.ints(reference, "greedy_ids"), true));
            }
            for (String text : Texts.DIVERSE) {
                assertArrayEquals(expected.encode(text, true), converted.encode(text, true), text);
            }
            Random random = new Random(Long.getLong("seed", 7L));
            for (int round = 0; round < 200; round++) {
                int[] ids = random.ints(20, 259, 4096).toArray();
                String text = expected.decode(ids, true);
                assertArrayEquals(expected.encode(text, true), converted.encode(text, true), text);
            }
        }
    }

    @Test
    void listsTheMergesInTheOrderOfTheCheckpointsOwnFile() {
        List<?> expected = merges(Json.readObject(Texts.TOKENIZER_JSON));
        String json = SentencePieceConverter.toTokenizerJson(Texts.TOKENIZER_MODEL, Optional.empty());
        List<?> merges = merges(parse(json));
        assertEquals(
                expected,
                merges.stream().map(pair -> String.join(" ", strings(pair))).toList());
    }

    @Test
    void beginsAndEndsATextAsTheConfigSays() throws IOException {
        Path config =
                Files.writeString(directory.resolve("config.json"), "{\"add_bos_token\":false,\"add_eos_token\":true}");
        try (Tokenizer plain = Texts.tokenizer();
                Tokenizer converted = converted(Texts.TOKENIZER_MODEL, Optional.of(config))) {
            int[] ids = converted.encode("king", true);
            assertEquals(2, ids[ids.length - 1]);
            assertEquals(plain.encode("king", false)[0], ids[0]);
        }
    }

    @Test
    void keepsTokensAddedAfterTraining() throws IOException {
        Path config = Files.writeString(
                directory.resolve("config.json"),
                "{\"added_tokens_decoder\":{\"4096\":{\"content\":\"<|im_start|>\",\"special\":true}}}");
        try (Tokenizer converted = converted(Texts.TOKENIZER_MODEL, Optional.of(config))) {
            assertEquals(Optional.of(4096), converted.idOf("<|im_start|>"));
            assertEquals(4096, converted.encode("<|im_start|>user", false)[0]);
        }
        Files.writeString(config, "{\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}");
        assertEquals(
                config + ": added_tokens_decoder: expected ids as keys, found x",
                messageOf(Texts.TOKENIZER_MODEL, Optional.of(config)));
    }

    @Test
    void convertsUnigramModels() throws IOException {
        Path model = write(
                1,
                List.of(
                        new SentencePieceModel.Piece("<unk>", 0, SentencePieceModel.Kind.UNKNOWN),
                        new SentencePieceModel.Piece("<s>", 0, SentencePieceModel.Kind.CONTROL),
                        new SentencePieceModel.Piece("</s>", 0, SentencePieceModel.Kind.CONTROL),
                        new SentencePieceModel.Piece("▁", -4, SentencePieceModel.Kind.NORMAL),
                        new SentencePieceModel.Piece("▁king", -5, SentencePieceModel.Kind.NORMAL),
                        new SentencePieceModel.Piece("dom", -3, SentencePieceModel.Kind.NORMAL),
                        new SentencePieceModel.Piece("king", -3, SentencePieceModel.Kind.NORMAL),
                        new SentencePieceModel.Piece("<mark>", 0, SentencePieceModel.Kind.USER_DEFINED)));
        try (Tokenizer converted = converted(model, Optional.empty())) {
            // One piece of -5 beats "▁" and "king" of -7 together; repeated and outer blanks are dropped.
            assertArrayEquals(new int[] {1, 4, 5}, converted.encode("  kingdom ", true));
            assertArrayEquals(new int[] {1, 4, 4}, converted.encode("king   king", true));
            assertEquals(Optional.of(7), converted.idOf("<mark>"));
            assertEquals("king king", converted.decode(new int[] {1, 4, 4}, true));
        }
    }

    @Test
    void namesWhatIsWrongWithTheFile() throws IOException {
        Path missing = directory.resolve("none.model");
        assertEquals(missing + ": no such file", messageOf(missing, Optional.empty()));
        Path words = write(3, List.of(new SentencePieceModel.Piece("a", 0, SentencePieceModel.Kind.NORMAL)));
        assertEquals(
                words + ": trainer_spec.model_type: expected 1 (unigram) or 2 (BPE), found 3",
                messageOf(words, Optional.empty()));
        Path empty = Files.write(directory.resolve("empty.model"), new byte[0]);
        assertEquals(empty + ": pieces: expected a vocabulary, found none", messageOf(empty, Optional.empty()));
    }

    @Test
    void survivesMutatedBytes() throws IOException {
        byte[] good = Files.readAllBytes(Texts.TOKENIZER_MODEL);
        Random random = new Random(Long.getLong("seed", 11L));
        for (int round = 0; round < 60; round++) {
            byte[] bad =
                    random.nextBoolean() ? good.clone() : java.util.Arrays.copyOf(good, random.nextInt(good.length));
            for (int i = 0; i < 20; i++) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            }
            Path file = Files.write(directory.resolve("bad.model"), bad);
            try {
                assertTrue(SentencePieceFile.read(file).pieces().size() > 0);
            } catch (MalformedModelException e) {
                assertTrue(String.valueOf(e.getMessage()).startsWith(file + ": "));
            }
        }
    }

    private Tokenizer converted(Path model, Optional<Path> config) throws IOException {
        Path json = Files.writeString(
                directory.resolve("tokenizer.json"), SentencePieceConverter.toTokenizerJson(model, config));
        return Tokenizer.open(json, Optional.empty(), Texts.NATIVE);
    }

    private static String messageOf(Path model, Optional<Path> config) {
        return String.valueOf(
                assertThrows(MalformedModelException.class, () -> SentencePieceConverter.toTokenizerJson(model, config))
                        .getMessage());
    }

    private Path write(int modelType, List<SentencePieceModel.Piece> pieces) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        for (SentencePieceModel.Piece piece : pieces) {
            ByteArrayOutputStream inner = new ByteArrayOutputStream();
            CodedOutputStream fields = CodedOutputStream.newInstance(inner);
            fields.writeString(1, piece.text());
            fields.writeFloat(2, piece.score());
            fields.writeEnum(3, List.of(SentencePieceModel.Kind.values()).indexOf(piece.kind()) + 1);
            fields.flush();
            out.writeByteArray(1, inner.toByteArray());
        }
        ByteArrayOutputStream trainer = new ByteArrayOutputStream();
        CodedOutputStream fields = CodedOutputStream.newInstance(trainer);
        fields.writeEnum(3, modelType);
        fields.flush();
        out.writeByteArray(2, trainer.toByteArray());
        out.flush();
        return Files.write(directory.resolve("made" + modelType + ".model"), bytes.toByteArray());
    }

    private JsonObject parse(String json) {
        return Json.parseObject(json.getBytes(java.nio.charset.StandardCharsets.UTF_8), directory.resolve("made.json"));
    }

    private static List<?> merges(JsonObject tokenizer) {
        return tokenizer.requireObject("model").asMap().get("merges") instanceof List<?> list ? list : List.of();
    }

    private static List<String> strings(Object pair) {
        return ((List<?>) pair).stream().map(String::valueOf).toList();
    }
}
