package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import java.util.Arrays;

/// Resizes as Pillow does: weights of 22 bits behind the point, and values rounded to eight bits after the rows and
/// after the columns.
record FixedPointResampling(Taps.Filter filter) implements Resampling {
    private static final int BITS = 22;
    private static final int HALF = 1 << (BITS - 1);
    private static final int MOST = 255;

    @Override
    public Picture resize(Picture picture, int width, int height) {
        if (picture.width() == width && picture.height() == height) {
            return picture;
        }
        picture.requireHeap(CHANNELS * ((long) width * picture.height() + (long) width * height));
        byte[] rows = rows(picture, width);
        byte[] columns = columns(rows, width, picture.height(), height);
        return Picture.of(picture.name(), width, height, columns);
    }

    private byte[] rows(Picture picture, int width) {
        if (picture.width() == width) {
            return picture.rgb();
        }
        Taps taps = Taps.of(picture.width(), width, filter);
        int[][] weights = fixed(taps);
        byte[] from = picture.rgb();
        byte[] to = new byte[CHANNELS * width * picture.height()];
        for (int y = 0, at = 0; y < picture.height(); y++) {
            int row = CHANNELS * picture.width() * y;
            for (int x = 0; x < width; x++, at += CHANNELS) {
                pixel(from, row + CHANNELS * taps.first()[x], weights[x], to, at);
            }
        }
        return to;
    }

    private static void pixel(byte[] from, int first, int[] weights, byte[] to, int at) {
        int red = HALF;
        int green = HALF;
        int blue = HALF;
        int next = first;
        for (int weight : weights) {
            red += (from[next] & MOST) * weight;
            green += (from[next + 1] & MOST) * weight;
            blue += (from[next + 2] & MOST) * weight;
            next += CHANNELS;
        }
        to[at] = clipped(red);
        to[at + 1] = clipped(green);
        to[at + 2] = clipped(blue);
    }

    private byte[] columns(byte[] from, int width, int fromHeight, int height) {
        if (fromHeight == height) {
            return from;
        }
        Taps taps = Taps.of(fromHeight, height, filter);
        int[][] weights = fixed(taps);
        int row = CHANNELS * width;
        int[] sums = new int[row];
        byte[] to = new byte[row * height];
        for (int y = 0; y < height; y++) {
            Arrays.fill(sums, HALF);
            for (int i = 0; i < weights[y].length; i++) {
                int weight = weights[y][i];
                int start = row * (taps.first()[y] + i);
                for (int x = 0; x < row; x++) {
                    sums[x] += (from[start + x] & MOST) * weight;
                }
            }
            for (int x = 0; x < row; x++) {
                to[row * y + x] = clipped(sums[x]);
            }
        }
        return to;
    }

    private static byte clipped(int sum) {
        return (byte) Math.clamp(sum >> BITS, 0, MOST);
    }

    private static int[][] fixed(Taps taps) {
        int[][] fixed = new int[taps.weights().length][];
        for (int i = 0; i < fixed.length; i++) {
            double[] weights = taps.weights()[i];
            fixed[i] = new int[weights.length];
            for (int j = 0; j < weights.length; j++) {
                fixed[i][j] = (int) (weights[j] * (1 << BITS) + (weights[j] < 0 ? -0.5 : 0.5));
            }
        }
        return fixed;
    }
}
