package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Gemma 4's processor: one picture as large as a number of tokens allows, in patches.
final class Gemma4Processor implements ImageProcessor {
    private static final String IMAGE = "<|image|>";
    private static final ImageMarks MARKS =
            ImageMarks.alone(IMAGE, pixels -> "<|image>" + IMAGE.repeat(pixels.tokens()) + "<image|>");
    private static final Set<Integer> TOKENS = Set.of(70, 140, 280, 560, 1120);
    private static final String TOKENS_KEY = "max_soft_tokens";

    private final int patch;
    private final int pooling;
    private final int mostTokens;
    private final Levels levels;
    private final Resampling resampling = new FixedPointResampling(Taps.Filter.BICUBIC);

    Gemma4Processor(ProcessorConfig config) {
        config.requireTrue("do_resize", "do_rescale", "do_convert_rgb");
        config.requireResampling(ProcessorConfig.BICUBIC, "bicubic");
        patch = config.length("patch_size", 16);
        pooling = config.length("pooling_kernel_size", 3);
        mostTokens = config.length(TOKENS_KEY, 280);
        if (!TOKENS.contains(mostTokens)) {
            throw config.json().unexpected(TOKENS_KEY, "one of " + new TreeSet<>(TOKENS), mostTokens);
        }
        config.requireOfTower("patch_size", patch);
        config.requireOfTower("pooling_kernel_size", pooling);
        long block = (long) patch * pooling;
        if (mostTokens * block * block > Picture.MAX_PIXELS) {
            throw config.json().unexpected("patch_size", "patches of fewer pixels", patch);
        }
        double factor = config.rescaleFactor();
        levels = config.flag("do_normalize", false)
                ? Levels.numpy(factor, config.mean(List.of(0.0, 0.0, 0.0)), config.deviation(List.of(1.0, 1.0, 1.0)))
                : Levels.scaled(factor);
    }

    @Override
    public ImageMarks marks() {
        return MARKS;
    }

    @Override
    public Pixels process(Picture picture) {
        int block = patch * pooling;
        double area = (double) picture.height() * picture.width();
        double factor = Math.sqrt((double) mostTokens * block * block / area);
        int height = (int) Math.floor(factor * picture.height() / block) * block;
        int width = (int) Math.floor(factor * picture.width() / block) * block;
        if (height == 0) {
            height = block;
            width = Math.min(picture.width() / picture.height(), mostTokens) * block;
        } else if (width == 0) {
            width = block;
            height = Math.min(picture.height() / picture.width(), mostTokens) * block;
        }
        picture.requireHeap((long) Float.BYTES * Resampling.CHANNELS * height * width);
        float[] values = values(resampling.resize(picture, width, height));
        return new Pixels.PlacedPatches(values, height / patch, width / patch, pooling);
    }

    /// Returns row, column and channel of each patch, row by row.
    private float[] values(Picture picture) {
        byte[] rgb = picture.rgb();
        float[] values = new float[rgb.length];
        int to = 0;
        for (int top = 0; top < picture.height(); top += patch) {
            for (int left = 0; left < picture.width(); left += patch) {
                for (int y = top; y < top + patch; y++) {
                    int from = Resampling.CHANNELS * (y * picture.width() + left);
                    for (int i = 0; i < Resampling.CHANNELS * patch; i++) {
                        values[to++] = levels.of(i % Resampling.CHANNELS, rgb[from + i]);
                    }
                }
            }
        }
        return values;
    }
}
