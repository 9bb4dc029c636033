package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LanguageTokensTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void addedTokensOfThatFormAreLanguages() throws IOException {
        LanguageTokens languages = languages();
        assertEquals(11, languages.idOf("eng_Latn"));
        assertEquals(13, languages.idOf("zho_Hans"));
        assertFalse(languages.isEmpty());
        assertThrows(IllegalArgumentException.class, () -> languages.idOf("</s>"));
        assertTrue(LanguageTokens.read(Texts.TOKENIZER_JSON).isEmpty());
    }

    @Test
    void anUnknownLanguageIsAnsweredWithThoseWrittenMostLikeIt() throws IOException {
        LanguageTokens languages = languages();
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> languages.idOf("French"))
                .getMessage());
        assertEquals(
                "expected a language of the model, such as fra_Latn, fur_Latn, eng_Latn, zho_Hans, zho_Hant, found"
                        + " 'French'",
                message);
    }

    @Test
    void theLanguageTakesThePlaceOfTheTokenizers() throws IOException {
        LanguageTokens languages = languages();
        assertArrayEquals(new int[] {12, 5, 6, 2}, languages.from(12, new int[] {11, 5, 6, 2}));
        assertArrayEquals(new int[] {5, 6, 2, 12}, languages.from(12, new int[] {5, 6, 2, 11}));
        assertArrayEquals(new int[] {12, 5, 6}, languages.from(12, new int[] {5, 6}));
        assertArrayEquals(new int[] {12}, languages.from(12, new int[0]));
    }

    private LanguageTokens languages() throws IOException {
        Path file = directory.resolve("tokenizer.json");
        Files.writeString(file, """
                {"added_tokens": [
                  {"id": 2, "content": "</s>"}, {"id": 11, "content": "eng_Latn"}, {"id": 12, "content": "fra_Latn"},
                  {"id": 15, "content": "fur_Latn"}, {"id": 13, "content": "zho_Hans"}, {"id": 14, "content": "zho_Hant"}
                ]}
                """);
        return LanguageTokens.read(file);
    }
}
