package io.moetier.runtime.image.processor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.image.Picture;
import io.moetier.runtime.image.UnreadablePictureException;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageProcessorTest {
    private static final String VISION = "{\"vision_config\": {\"patch_size\": 14}}";

    private static JsonObject json(String text, String file) {
        return Json.parseObject(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8), Path.of(file));
    }

    private static ImageProcessor processor(String type, String more, String model) {
        return ImageProcessor.of(
                json("{'image_processor_type': '" + type + "'" + more + "}", "preprocessor_config.json"),
                json(model, "config.json"));
    }

    private static Picture picture(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        new Random(width).nextBytes(rgb);
        return Picture.of("p", width, height, rgb);
    }

    /// By the reference's formulas, and the defaults of its classes.
    @ParameterizedTest
    @CsvSource({
        "100, 100, 8, 8", // a multiple of 28 is near
        "10, 300, 2, 22", // 0 by rounding: the least area is too large for it
        "4000, 3000, 82, 60",
        "28, 5600, 2, 400"
    })
    void qwenKeepsTheSize(int width, int height, int patchesAcross, int patchesDown) {
        Pixels.MergedPatches patches = (Pixels.MergedPatches)
                processor("Qwen2VLImageProcessorFast", "", VISION).process(picture(width, height));
        assertEquals(patchesAcross, patches.width());
        assertEquals(patchesDown, patches.height());
        assertEquals(patches.rows() / 4, patches.tokens());
        assertEquals(3 * 2 * 14 * 14, patches.rowLength());
    }

    @ParameterizedTest
    @CsvSource({"1000, 1000, 48, 48", "97, 61, 63, 39", "1, 10000, 3, 840", "10000, 1, 840, 3"})
    void gemmaFillsItsTokens(int width, int height, int patchesAcross, int patchesDown) {
        String model = "{'vision_config': {'patch_size': 16, 'pooling_kernel_size': 3}}";
        Pixels.PlacedPatches patches = (Pixels.PlacedPatches)
                processor("Gemma4ImageProcessor", "", model).process(picture(width, height));
        assertEquals(patchesAcross, patches.width());
        assertEquals(patchesDown, patches.height());
        assertTrue(patches.tokens() <= 280);
    }

    @ParameterizedTest
    @CsvSource({
        "448, 448, 1, 1",
        "900, 900, 2, 2",
        "800, 400, 1, 2",
        "10000, 1, 1, 12",
        "1000, 1500, 3, 2",
        "4000, 3000, 3, 4"
    })
    void internVlFollowsTheAspect(int width, int height, int rows, int columns) {
        String more = ", 'crop_to_patches': false, 'size': {'height': 448, 'width': 448}"; // as published
        Pixels.Tiles tiles =
                (Pixels.Tiles) processor("GotOcr2ImageProcessor", more, VISION).process(picture(width, height));
        assertEquals(rows, tiles.height());
        assertEquals(columns, tiles.width());
        assertEquals(256 * tiles.rows(), tiles.tokens());
        assertEquals(rows * columns > 1, tiles.hasWhole());
    }

    @ParameterizedTest
    @CsvSource({
        "336, 336, 1, 1, false",
        "300, 200, 1, 1, false",
        "672, 336, 1, 2, false",
        "700, 700, 3, 3, false",
        "3000, 100, 1, 9, false",
        "100, 100, 4, 4, true",
        "1, 10000, 16, 1, false"
    })
    void llamaChoosesACanvas(int width, int height, int rows, int columns, boolean fills) {
        Pixels.Tiles tiles =
                (Pixels.Tiles) processor("Llama4ImageProcessorFast", ", 'resize_to_max_canvas': " + fills, VISION)
                        .process(picture(width, height));
        assertEquals(rows, tiles.height());
        assertEquals(columns, tiles.width());
        assertEquals(144 * tiles.rows(), tiles.tokens());
    }

    /// What lies beside the picture is black before it is normalised.
    @Test
    void llamaPadsWithBlack() {
        Pixels tiles =
                processor("Llama4ImageProcessor", ", 'max_patches': 1", VISION).process(picture(336, 100));
        float[] below = Arrays.copyOfRange(tiles.values(), 336 * 100, 336 * 336);
        float[] black = new float[below.length];
        Arrays.fill(black, -1);
        assertArrayEquals(black, below);
    }

    @Test
    void sidesThatDifferTooMuchAreRefused() {
        ImageProcessor processor = processor("Qwen2VLImageProcessor", "", VISION);
        assertEquals(
                "p: expected sides of which one is at most 200 times as long as the other, found 1 x 10000",
                assertThrows(UnreadablePictureException.class, () -> processor.process(picture(1, 10_000)))
                        .getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SiglipImageProcessor | '' | image_processor_type: expected Qwen2VLImageProcessor, GotOcr2ImageProcessor,"
                        + " Gemma4ImageProcessor or Llama4ImageProcessor, found SiglipImageProcessor",
                "Qwen2VLImageProcessor | , \"patch_size\": 0 | patch_size: expected an integer from 1 to 4096, found 0",
                "Qwen2VLImageProcessor | , \"image_std\": [1, 0, 1] | image_std: expected three numbers from 1.0E-9 to 1.0E9,"
                        + " found [1.0, 0.0, 1.0]",
                "Qwen2VLImageProcessor | , \"image_mean\": [1, 1e999, 1] | image_mean: expected finite numbers of 64 bits,"
                        + " found [1, Infinity, 1]",
                "Qwen2VLImageProcessor | , \"image_mean\": [1, 1] | image_mean: expected three numbers, found [1.0, 1.0]",
                "Qwen2VLImageProcessor | , \"resample\": 2 | resample: expected 3 (bicubic), found 2",
                "Qwen2VLImageProcessor | , \"do_rescale\": false | do_rescale: expected true, found false",
                "Qwen2VLImageProcessor | , \"rescale_factor\": -1 | rescale_factor: expected a number from 1.0E-9 to 1.0E9,"
                        + " found -1.0",
                "Qwen2VLImageProcessor | , \"size\": {\"longest_edge\": 9, \"shortest_edge\": 9} | size.longest_edge: expected at"
                        + " least 784, found 9",
                "Qwen2VLImageProcessor | , \"max_pixels\": 1000000000000 | max_pixels: expected an integer from 1 to 100000000,"
                        + " found 1000000000000",
                "Qwen2VLImageProcessor | , \"max_pixels\": 9 | max_pixels: expected at least 3136, found 9",
                "Gemma4ImageProcessor | , \"patch_size\": 14, \"max_soft_tokens\": 71 | max_soft_tokens: expected one of [70, 140,"
                        + " 280, 560, 1120], found 71",
                "GotOcr2ImageProcessor | , \"size\": {\"height\": 448} | size.width: expected an integer, found nothing",
                "GotOcr2ImageProcessor | , \"crop_to_patches\": true, \"min_patches\": 20, \"size\": {\"height\": 448, \"width\":"
                        + " 448} | min_patches: expected at most 12, found 20",
                "Llama4ImageProcessor | , \"size\": {\"height\": 336, \"width\": 337} | size.width: expected 336, as height is,"
                        + " found 337"
            })
    void numbersAreChecked(String type, String more, String expected) {
        assertEquals(
                "preprocessor_config.json: " + expected,
                assertThrows(MalformedModelException.class, () -> processor(type, more, VISION))
                        .getMessage());
    }

    @Test
    void theTowerHasToAgree() {
        assertEquals(
                "config.json: vision_config.patch_size: expected 16, as preprocessor_config.json has it, found 14",
                assertThrows(
                                MalformedModelException.class,
                                () -> processor("Qwen2VLImageProcessor", ", 'patch_size': 16", VISION))
                        .getMessage());
        assertEquals(
                "config.json: vision_config.patch_size: expected a divisor of 384 and 384, found [14, 14]",
                assertThrows(
                                MalformedModelException.class,
                                () -> processor(
                                        "GotOcr2ImageProcessor", "", "{'vision_config': {'patch_size': [14, 14]}}"))
                        .getMessage());
    }
}
