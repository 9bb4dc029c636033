package io.moetier.runtime.model.family;

import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any `config.json` describes a model of a known family or is refused by name.
public final class ConfigFuzzTest {
    private static final Path FILE = Path.of("config.json");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(ConfigFuzzTest.class, 5_000);
    }

    /// Describes the model of these bytes.
    public static void fuzzerTestOneInput(byte[] config) {
        try {
            Assertions.assertFalse(
                    Families.describe(Json.parseObject(config, FILE)).layers().isEmpty());
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
