package io.moetier.runtime.image.processor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.moetier.runtime.image.Picture;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What holds for all pictures and sizes, whichever library is followed.
class ResamplingTest {
    private static final int CASES = 60;

    static List<Resampling> all() {
        return List.of(
                new FixedPointResampling(Taps.Filter.BICUBIC),
                new FixedPointResampling(Taps.Filter.BILINEAR),
                new FloatingPointResampling());
    }

    private static Picture random(Random random) {
        int width = 1 + random.nextInt(60);
        int height = 1 + random.nextInt(60);
        byte[] rgb = new byte[3 * width * height];
        random.nextBytes(rgb);
        return Picture.of("p", width, height, rgb);
    }

    @ParameterizedTest
    @MethodSource("all")
    void theSameSizeIsTheSamePicture(Resampling resampling) {
        Picture picture = random(new Random(1));
        assertSame(picture, resampling.resize(picture, picture.width(), picture.height()));
    }

    @ParameterizedTest
    @MethodSource("all")
    void onePlainColourStays(Resampling resampling) {
        Random random = new Random(2);
        for (int i = 0; i < CASES; i++) {
            byte level = (byte) random.nextInt(256);
            Picture picture = random(random);
            Arrays.fill(picture.rgb(), level);
            Picture resized = resampling.resize(picture, 1 + random.nextInt(90), 1 + random.nextInt(90));
            byte[] expected = new byte[resized.rgb().length];
            Arrays.fill(expected, level);
            assertArrayEquals(expected, resized.rgb(), "case " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void channelsDoNotKnowEachOther(Resampling resampling) {
        Random random = new Random(3);
        for (int i = 0; i < CASES; i++) {
            Picture picture = random(random);
            int width = 1 + random.nextInt(90);
            int height = 1 + random.nextInt(90);
            byte[] turned = resampling
                    .resize(Picture.of("p", picture.width(), picture.height(), turned(picture.rgb())), width, height)
                    .rgb();
            assertArrayEquals(turned(resampling.resize(picture, width, height).rgb()), turned, "case " + i);
        }
    }

    /// Red becomes green, green blue, and blue red.
    private static byte[] turned(byte[] rgb) {
        byte[] turned = new byte[rgb.length];
        for (int i = 0; i < rgb.length; i++) {
            turned[i / 3 * 3 + (i % 3 + 1) % 3] = rgb[i];
        }
        return turned;
    }
}
