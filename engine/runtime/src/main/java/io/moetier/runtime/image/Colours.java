package io.moetier.runtime.image;

import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;

/// What the samples of a pixel mean.
@FunctionalInterface
interface Colours {
    /// Red, green and blue of eight bits; what follows is transparency.
    Colours RGB = (samples, at) -> rgb(samples[at], samples[at + 1], samples[at + 2]);

    /// The same of sixteen bits.
    Colours RGB_16 = (samples, at) -> rgb(samples[at] >> 8, samples[at + 1] >> 8, samples[at + 2] >> 8);

    /// Grey of sixteen bits.
    Colours GREY_16 = (samples, at) -> rgb(samples[at] >> 8, samples[at] >> 8, samples[at] >> 8);

    /// Returns red, green and blue in one number, blue lowest.
    int of(int[] samples, int at);

    static int rgb(int red, int green, int blue) {
        return red << 16 | green << 8 | blue;
    }

    /// Returns grey of up to eight bits.
    static Colours grey(int bits) {
        int most = (1 << bits) - 1;
        return (samples, at) -> {
            int grey = samples[at] * 255 / most;
            return rgb(grey, grey, grey);
        };
    }

    /// Returns the colours of a palette.
    static Colours palette(int[] palette) {
        return (samples, at) -> palette[samples[at]];
    }

    /// Returns red, green and blue of each pixel of a decoded picture.
    default byte[] convert(Raster raster, Canvas canvas) {
        int width = canvas.width();
        int bands = raster.getNumBands();
        byte[] rgb = new byte[Canvas.CHANNELS * canvas.pixels()];
        int[] samples = new int[width * bands];
        for (int y = 0; y < canvas.height(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, samples);
            for (int x = 0, to = Canvas.CHANNELS * y * width; x < width; x++, to += Canvas.CHANNELS) {
                put(of(samples, x * bands), rgb, to);
            }
        }
        return rgb;
    }

    /// Returns red, green and blue of a decoded picture that has just these; the raster's own array where that can be.
    static byte[] plain(Raster raster, Canvas canvas) {
        byte[] own = rgbBytes(raster, canvas);
        return own.length > 0 ? own : RGB.convert(raster, canvas);
    }

    static void put(int colour, byte[] rgb, int to) {
        rgb[to] = (byte) (colour >> 16);
        rgb[to + 1] = (byte) (colour >> 8);
        rgb[to + 2] = (byte) colour;
    }

    /// Returns the raster's own array, in our order, if it has nothing but these three bytes of each pixel.
    private static byte[] rgbBytes(Raster raster, Canvas canvas) {
        if (!(raster.getSampleModel() instanceof ComponentSampleModel model)
                || !(raster.getDataBuffer() instanceof DataBufferByte buffer)
                || model.getNumBands() != Canvas.CHANNELS
                || model.getPixelStride() != Canvas.CHANNELS
                || model.getScanlineStride() != Canvas.CHANNELS * canvas.width()
                || buffer.getNumBanks() != 1
                || buffer.getOffset() != 0
                || buffer.getSize() != Canvas.CHANNELS * canvas.pixels()) {
            return new byte[0];
        }
        byte[] bytes = buffer.getData();
        int[] offsets = model.getBandOffsets();
        if (offsets[0] == 0 && offsets[1] == 1 && offsets[2] == 2) {
            return bytes;
        }
        for (int at = 0; at < bytes.length; at += Canvas.CHANNELS) {
            byte red = bytes[at + offsets[0]];
            byte green = bytes[at + offsets[1]];
            byte blue = bytes[at + offsets[2]];
            bytes[at] = red;
            bytes[at + 1] = green;
            bytes[at + 2] = blue;
        }
        return bytes;
    }
}
