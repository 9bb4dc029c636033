package io.moetier.runtime.image.processor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What stands for a picture, in the words of the hub's processors.
class ImageMarksTest {
    private static final String VISION = "'vision_config': {'patch_size': 14, 'pooling_kernel_size': 3}";

    private static ImageProcessor processor(String config) {
        return ImageProcessor.of(json(config), json(VISION));
    }

    private static JsonObject json(String fields) {
        return Json.parseObject(
                ("{" + fields.replace('\'', '"') + "}").getBytes(StandardCharsets.UTF_8), Path.of("config.json"));
    }

    /// Returns what becomes of a text with a mark of the processor.
    private static String text(String config, int width, int height) {
        ImageProcessor processor = processor(config);
        Pixels pixels = processor.process(Picture.of("p", width, height, new byte[3 * width * height]));
        ImageMarks marks = processor.marks();
        return marks.expand("a " + marks.whole() + " b", List.of(marks.words().apply(pixels)));
    }

    private static String times(String word, int count) {
        return word.repeat(count);
    }

    @Test
    void qwenRepeatsItsPad() {
        assertEquals(
                "a <|vision_start|>" + times("<|image_pad|>", 6) + "<|vision_end|> b",
                text("'image_processor_type': 'Qwen2VLImageProcessor'", 84, 56));
    }

    @Test
    void internVlPutsAllTilesInOnePair() {
        String config = "'image_processor_type': 'GotOcr2ImageProcessor', 'crop_to_patches': true,"
                + " 'size': {'height': 28, 'width': 28}";
        assertEquals("a <img><IMG_CONTEXT></img> b", text(config, 28, 28));
        assertEquals("a <img>" + times("<IMG_CONTEXT>", 3) + "</img> b", text(config, 56, 28));
    }

    @Test
    void gemmaPutsItsTokensInOnePair() {
        assertEquals(
                "a <|image>" + times("<|image|>", 64) + "<image|> b",
                text(
                        "'image_processor_type': 'Gemma4ImageProcessor', 'patch_size': 14, 'max_soft_tokens': 70",
                        50,
                        50));
    }

    @Test
    void llamaSeparatesTilesAndAddsTheWhole() {
        String config = "'image_processor_type': 'Llama4ImageProcessor', 'max_patches': 6,"
                + " 'size': {'height': 56, 'width': 56}";
        String tile = times("<|patch|>", 4);
        String row = tile + "<|tile_x_separator|>" + tile + "<|tile_x_separator|>" + tile + "<|tile_y_separator|>";
        assertEquals("a <|image_start|><|image|>" + tile + "<|image_end|> b", text(config, 56, 56));
        assertEquals("a <|image_start|>" + row + row + "<|image|>" + tile + "<|image_end|> b", text(config, 168, 112));
    }

    @Test
    void picturesTakeMarksInOrder() {
        ImageMarks marks = processor("'image_processor_type': 'Gemma4ImageProcessor', 'patch_size': 14")
                .marks();
        assertEquals("$1<|image|>\\, then 2", marks.expand("<|image|>, then <|image|>", List.of("$1<|image|>\\", "2")));
        assertEquals(
                "the conversation has 1 times <|image|>, which stands for a picture, but shows 2",
                assertThrows(IllegalArgumentException.class, () -> marks.expand("<|image|>", List.of("1", "2")))
                        .getMessage());
    }
}
