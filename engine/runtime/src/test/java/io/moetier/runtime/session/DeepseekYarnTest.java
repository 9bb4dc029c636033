package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// DeepSeek-V2 with YaRN: its own code sharpens attention, and transformers does not, from which the case has its
/// tokens and its routing.
class DeepseekYarnTest {
    private static final Path CASE = TestData.golden("deepseek_v2_yarn");

    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void attentionIsSharpenedAsInItsOwnCode(KernelChoice kernels) {
        GoldenTest.assertLogits(GoldenCase.read(CASE, "logits_original_mscale"), kernels);
    }

    @ParameterizedTest
    @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
    void allElseIsAsInTransformers(KernelChoice kernels) throws IOException {
        GoldenCase golden = GoldenCase.read(withoutSharpening(), "logits");
        assertEquals(golden.routerIds(), GoldenTest.assertLogits(golden, kernels));
        GoldenTest.assertGreedyTokens(golden, kernels);
    }

    /// Returns a copy of the case whose YaRN says its factor on cosines and sines, and none on scores.
    private Path withoutSharpening() throws IOException {
        Path copy = Files.createDirectory(directory.resolve("deepseek_v2_yarn_not_sharpened"));
        for (String name : List.of("config.json", "model.safetensors", "reference.json", "logits.safetensors")) {
            Files.copy(CASE.resolve(name), copy.resolve(name));
        }
        String config = Files.readString(copy.resolve("config.json"));
        String changed = config.replaceFirst("\"mscale\": *[0-9.]+", "\"attention_factor\": 1.0")
                .replaceFirst("\"mscale_all_dim\": *[0-9.]+", "\"mscale_all_dim\": 0");
        assertTrue(changed.contains("attention_factor") && changed.contains("\"mscale_all_dim\": 0"), config);
        Files.writeString(copy.resolve("config.json"), changed);
        return copy;
    }
}
