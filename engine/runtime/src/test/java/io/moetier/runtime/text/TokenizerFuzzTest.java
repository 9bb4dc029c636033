package io.moetier.runtime.text;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any `tokenizer.json` cuts a text into tokens and puts it together, or is refused by name.
public final class TokenizerFuzzTest {
    private static final Path FILE = Path.of("tokenizer.json");
    private static final String TEXT = "Hello, it's 2026:  Größe 日本 🙂\n\n\tx1234567 aaaaaaaaaaaaaaaaaaaa!";

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(TokenizerFuzzTest.class, 1_000, "tokenizers");
    }

    /// Opens a tokenizer of these bytes.
    public static void fuzzerTestOneInput(byte[] json) throws IOException {
        Fuzzing.write(FILE, json);
        try (Tokenizer tokenizer = Tokenizer.open(FILE, Optional.empty(), Path.of("native"))) {
            tokenizer.decode(tokenizer.encode(TEXT, true), false);
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
