package io.moetier.runtime.model.family;

import io.moetier.runtime.text.GgufTokenizer;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// The model in any GGUF file is described and its tokenizer converted, or it is refused by name.
public final class GgufModelFuzzTest {
    private static final Path FILE = Path.of("fuzzed.gguf");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(GgufModelFuzzTest.class, 3_000);
    }

    /// Reads what an import needs to know of a file of these bytes.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(FILE, bytes);
        try (GgufParts parts = GgufParts.open(FILE)) {
            Assertions.assertFalse(Families.describe(parts).spec().layers().isEmpty());
            JsonObject metadata = parts.metadata();
            if (GgufTokenizer.isPresent(metadata)) {
                GgufTokenizer.toTokenizerJson(metadata);
                GgufTokenizer.toTokenizerConfigJson(metadata);
                GgufTokenizer.toGenerationConfigJson(metadata);
            }
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
