package io.moetier.runtime.image.processor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Values are those of the hub's own processors, bit for bit.
class PixelValuesTest {
    private static Pixels pixels(String name) {
        Path directory = TestData.golden(name);
        ImageProcessor processor = ImageProcessor.of(
                Json.readObject(directory.resolve("preprocessor_config.json")),
                Json.readObject(directory.resolve("config.json")));
        return processor.process(Picture.read(directory.resolve("image.png")));
    }

    private static float[] expected(String name) {
        try (SafetensorsFile file = SafetensorsFile.open(TestData.golden(name).resolve("inputs.safetensors"))) {
            return file.readFloats("pixel_values");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen3_5_moe_image", "qwen3_vl_moe"})
    void ofQwen(String name) {
        Pixels.MergedPatches patches = (Pixels.MergedPatches) pixels(name);
        assertArrayEquals(expected(name), patches.values());
        assertEquals(new Pixels.MergedPatches(patches.values(), 8, 12, 2), patches); // image_grid_thw is 1, 8, 12
        assertEquals(24, patches.tokens());
        assertEquals(384, patches.rowLength());
    }

    @Test
    void ofGemma() {
        Pixels.PlacedPatches patches = (Pixels.PlacedPatches) pixels("gemma4_moe_image");
        float[] expected = expected("gemma4_moe_image");
        assertArrayEquals(Arrays.copyOf(expected, patches.values().length), patches.values());
        float[] padding = Arrays.copyOfRange(expected, patches.values().length, expected.length);
        assertArrayEquals(new float[90 * 12], padding);
        assertEquals(new Pixels.PlacedPatches(patches.values(), 18, 30, 3), patches);
        assertEquals(60, patches.tokens());
        assertEquals(12, patches.rowLength());
    }

    @Test
    void ofInternVl() {
        Pixels.Tiles tiles = (Pixels.Tiles) pixels("internvl_qwen3_moe");
        assertArrayEquals(expected("internvl_qwen3_moe"), tiles.values());
        assertEquals(new Pixels.Tiles(tiles.values(), 2, 3, 32, 32, 4), tiles);
        assertEquals(28, tiles.tokens());
    }

    @Test
    void ofLlama4() {
        Pixels.Tiles tiles = (Pixels.Tiles) pixels("llama4_scout_image");
        assertArrayEquals(expected("llama4_scout_image"), tiles.values());
        assertEquals(new Pixels.Tiles(tiles.values(), 2, 3, 32, 32, 4), tiles);
        assertEquals(7, tiles.rows());
    }
}
