package io.moetier.lab.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.lab.cost.PromptCosts.Products;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptCostsTest {
    private static final PromptCosts COSTS =
            new PromptCosts(Map.of(DType.Q4_0, new Products(1e-10, 2e-12)), 1e-6, 1e-9, 1e-11);

    @TempDir
    Path directory;

    @Test
    void weightsComeOnceAndAreMultipliedWithEachToken() {
        assertEquals(
                1e6 * (1e-10 + 64 * 2e-12),
                COSTS.products(DType.Q4_0).orElseThrow().seconds(1e6, 64),
                1e-12);
        assertTrue(COSTS.products(DType.Q8_0).isEmpty());
    }

    /// Of 511 tokens each sees 256 keys in the mean.
    @Test
    void aTokenLooksAtHalfOfThePrompt() {
        assertEquals(1e-6 + 2000 * 1e-9 + 4000 * 256 * 1e-11, COSTS.besideSeconds(2000, 4000, 511), 1e-12);
    }

    @Test
    void aProfileHasThemIfTheyWereMeasured() throws IOException {
        assertEquals(Optional.of(COSTS), read(Json.write(Map.of(PromptCosts.KEY, COSTS.fields()))));
        assertEquals(Optional.empty(), read("{\"prompt_row_seconds\":{\"q4_0\":1e-12}}"), "of an earlier version");
        MalformedModelException unknown = assertThrows(
                MalformedModelException.class, () -> read("{\"prompt_costs\":{\"products\":{\"q9\":{}}}}"));
        assertTrue(
                String.valueOf(unknown.getMessage())
                        .endsWith("prompt_costs.products: expected types of weights, found q9"),
                unknown.getMessage());
    }

    private Optional<PromptCosts> read(String text) throws IOException {
        return PromptCosts.read(Files.writeString(directory.resolve("machine.json"), text));
    }
}
