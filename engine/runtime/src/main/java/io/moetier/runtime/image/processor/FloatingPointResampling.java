package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;

/// Resizes bilinearly as torchvision does where it has no instructions of eight bits: in float32, each product
/// added with one rounding, and rounded to eight bits, the even one of two, after the columns alone.
final class FloatingPointResampling implements Resampling {
    private static final int MOST = 255;

    @Override
    public Picture resize(Picture picture, int width, int height) {
        if (picture.width() == width && picture.height() == height) {
            return picture;
        }
        picture.requireHeap((long) CHANNELS * width * ((long) Float.BYTES * picture.height() + height));
        float[] rows = rows(picture, width);
        return Picture.of(picture.name(), width, height, columns(rows, CHANNELS * width, picture.height(), height));
    }

    private static float[] rows(Picture picture, int width) {
        byte[] from = picture.rgb();
        float[] to = new float[CHANNELS * width * picture.height()];
        for (int x = 0; x < width; x++) {
            Tap tap = Tap.of(x, picture.width(), width);
            for (int y = 0; y < picture.height(); y++) {
                for (int channel = 0; channel < CHANNELS; channel++) {
                    int start = CHANNELS * (picture.width() * y + tap.first) + channel;
                    float sum = (from[start] & MOST) * tap.weights[0];
                    for (int i = 1; i < tap.weights.length; i++) {
                        sum = Math.fma(from[start + CHANNELS * i] & MOST, tap.weights[i], sum);
                    }
                    to[CHANNELS * (width * y + x) + channel] = sum;
                }
            }
        }
        return to;
    }

    private static byte[] columns(float[] from, int row, int fromHeight, int height) {
        byte[] to = new byte[row * height];
        for (int y = 0; y < height; y++) {
            Tap tap = Tap.of(y, fromHeight, height);
            for (int x = 0; x < row; x++) {
                int start = row * tap.first + x;
                float sum = from[start] * tap.weights[0];
                for (int i = 1; i < tap.weights.length; i++) {
                    sum = Math.fma(from[start + row * i], tap.weights[i], sum);
                }
                to[row * y + x] = (byte) (int) Math.clamp(Math.rint(sum), 0, MOST);
            }
        }
        return to;
    }

    /// What one new sample is made of; [Taps] has the same in float64.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Tap(int first, float[] weights) {
        static Tap of(int index, int from, int to) {
            float scale = (float) from / to;
            float support = Math.max(scale, 1);
            float narrowed = 1 / support;
            float centre = scale * (index + 0.5f);
            int first = Math.max((int) (centre - support + 0.5f), 0);
            float[] weights = new float[Math.min((int) (centre + support + 0.5f), from) - first];
            float sum = 0;
            for (int i = 0; i < weights.length; i++) {
                weights[i] = Math.max(0, 1 - Math.abs((i + first - centre + 0.5f) * narrowed));
                sum += weights[i];
            }
            for (int i = 0; i < weights.length; i++) {
                weights[i] /= sum;
            }
            return new Tap(first, weights);
        }
    }
}
