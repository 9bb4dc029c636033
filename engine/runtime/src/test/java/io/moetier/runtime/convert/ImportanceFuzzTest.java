package io.moetier.runtime.convert;

import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any file is read as an importance matrix, with a finite number for every column, or refused by name.
public final class ImportanceFuzzTest {
    private static final Path FILE = Path.of("fuzzed.imatrix");

    private static final ModelSpec SPEC =
            Families.describe(Json.parseObject("""
            {"model_type": "mixtral", "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1,
             "num_attention_heads": 2, "num_key_value_heads": 1, "num_local_experts": 2, "num_experts_per_tok": 1,
             "vocab_size": 7, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 1e4,
             "hidden_act": "silu"}""".getBytes(StandardCharsets.UTF_8), Path.of("config.json")));

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(ImportanceFuzzTest.class, 10_000);
    }

    /// Reads what a file of these bytes says of a small model.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(FILE, bytes);
        try {
            Importance importance = Importance.read(FILE, SPEC);
            SPEC.moeLayers()
                    .getFirst()
                    .experts()
                    .forEach(expert -> expert.linears().forEach(linear -> requireFinite(importance.of(linear))));
            Assertions.assertTrue(importance.summary().isPresent());
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }

    private static void requireFinite(float @Nullable [] columns) {
        if (columns != null) {
            for (float column : columns) {
                Assertions.assertTrue(column > 0 && column < Float.POSITIVE_INFINITY);
            }
        }
    }
}
