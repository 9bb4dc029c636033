package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any `tokenizer.model` is converted to JSON or refused by name.
public final class SentencePieceFuzzTest {
    private static final Path FILE = Path.of("tokenizer.model");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(SentencePieceFuzzTest.class, 3_000, "protobuf");
    }

    /// Converts a file of these bytes.
    public static void fuzzerTestOneInput(byte[] model) throws IOException {
        Fuzzing.write(FILE, model);
        try {
            String json = SentencePieceConverter.toTokenizerJson(FILE, Optional.empty());
            Assertions.assertTrue(Json.parseObject(json.getBytes(StandardCharsets.UTF_8), FILE)
                    .has("model"));
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
