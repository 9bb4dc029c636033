package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Map;

/// Qwen2-VL's processor, which its successors use: one picture of about its own size, in patches.
final class Qwen2VlProcessor implements ImageProcessor {
    private static final String PATCH = "<|image_pad|>";
    private static final ImageMarks MARKS = new ImageMarks(
            PATCH, "<|vision_start|>" + PATCH + "<|vision_end|>", pixels -> PATCH.repeat(pixels.tokens()));
    private static final List<Double> MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
    private static final List<Double> DEVIATION = List.of(0.26862954, 0.26130258, 0.27577711);
    private static final int MOST_ASPECT = 200;
    private static final String LEAST = "shortest_edge"; // both are areas
    private static final String LARGEST = "longest_edge";

    private final int patch;
    private final int copies;
    private final int merge;
    private final long leastPixels;
    private final long mostPixels;
    private final Levels levels;
    private final Resampling resampling = new FixedPointResampling(Taps.Filter.BICUBIC);

    Qwen2VlProcessor(ProcessorConfig config) {
        config.requireTrue("do_resize", "do_rescale", "do_normalize", "do_convert_rgb");
        config.requireResampling(ProcessorConfig.BICUBIC, "bicubic");
        patch = config.length("patch_size", 14);
        copies = config.length("temporal_patch_size", 2);
        merge = config.length("merge_size", 2);
        config.requireOfTower("patch_size", patch);
        config.requireOfTower("temporal_patch_size", copies);
        config.requireOfTower("spatial_merge_size", merge);
        JsonObject size = config.size(Map.of(LEAST, 56 * 56, LARGEST, 28 * 28 * 1280));
        leastPixels = Area.of(config.json(), "min_pixels", size, LEAST).pixels();
        Area largest = Area.of(config.json(), "max_pixels", size, LARGEST);
        mostPixels = largest.pixels();
        long factor = (long) patch * merge;
        if (mostPixels < leastPixels || mostPixels < factor * factor) {
            throw largest.in.unexpected(largest.key, "at least " + Math.max(leastPixels, factor * factor), mostPixels);
        }
        levels = Levels.numpy(config.rescaleFactor(), config.mean(MEAN), config.deviation(DEVIATION));
    }

    /// Where an area is said.
    private record Area(JsonObject in, String key) {
        /// The older key, if it is there, goes first.
        static Area of(JsonObject json, String older, JsonObject size, String key) {
            return json.has(older) ? new Area(json, older) : new Area(size, key);
        }

        long pixels() {
            return ProcessorConfig.within(in, key, in.requireLong(key), Picture.MAX_PIXELS);
        }
    }

    @Override
    public ImageMarks marks() {
        return MARKS;
    }

    @Override
    public Pixels process(Picture picture) {
        int shorter = Math.min(picture.width(), picture.height());
        if (Math.max(picture.width(), picture.height()) > (long) MOST_ASPECT * shorter) {
            throw picture.refused("expected sides of which one is at most " + MOST_ASPECT
                    + " times as long as the other," + " found " + picture.width() + " x " + picture.height());
        }
        int height = side(picture, picture.height());
        int width = side(picture, picture.width());
        long count = (long) Resampling.CHANNELS * copies * height * width;
        if (count > Integer.MAX_VALUE - 8) {
            throw picture.refused(width + " x " + height + " pixels in " + copies + " copies are too many values");
        }
        picture.requireHeap(Float.BYTES * count);
        float[] values = values(resampling.resize(picture, width, height), (int) count);
        return new Pixels.MergedPatches(values, height / patch, width / patch, merge);
    }

    /// Returns the new length of a side: whole blocks of patches, and an area within bounds.
    private int side(Picture picture, int length) {
        int factor = patch * merge;
        double area = (double) picture.height() * picture.width();
        double rounded = Math.rint((double) picture.height() / factor)
                * factor
                * (Math.rint((double) picture.width() / factor) * factor);
        if (rounded > mostPixels) {
            double shrink = Math.sqrt(area / mostPixels);
            return Math.max(factor, (int) Math.floor(length / shrink / factor) * factor);
        }
        if (rounded < leastPixels) {
            double grow = Math.sqrt(leastPixels / area);
            return (int) Math.ceil(length * grow / factor) * factor;
        }
        return (int) Math.rint((double) length / factor) * factor;
    }

    /// Returns channel, copy, row and column of each patch, block by block.
    private float[] values(Picture picture, int count) {
        float[] values = new float[count];
        int block = patch * merge;
        int to = 0;
        for (int blockY = 0; blockY < picture.height(); blockY += block) {
            for (int blockX = 0; blockX < picture.width(); blockX += block) {
                for (int inside = 0; inside < merge * merge; inside++) {
                    int y = blockY + inside / merge * patch;
                    int x = blockX + inside % merge * patch;
                    to = patch(picture, y, x, values, to);
                }
            }
        }
        return values;
    }

    private int patch(Picture picture, int top, int left, float[] values, int start) {
        byte[] rgb = picture.rgb();
        int to = start;
        int size = patch * patch;
        for (int channel = 0; channel < Resampling.CHANNELS; channel++) {
            int first = to;
            for (int y = top; y < top + patch; y++) {
                int from = Resampling.CHANNELS * (y * picture.width() + left) + channel;
                for (int x = 0; x < patch; x++, from += Resampling.CHANNELS) {
                    values[to++] = levels.of(channel, rgb[from]);
                }
            }
            for (int copy = 1; copy < copies; copy++, to += size) {
                System.arraycopy(values, first, values, to, size);
            }
        }
        return to;
    }
}
