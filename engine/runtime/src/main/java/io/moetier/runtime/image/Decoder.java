package io.moetier.runtime.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.awt.image.Raster;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/// The decoders of Java and TwelveMonkeys, chosen by us: a program's own plug-ins for `ImageIO` change nothing.
final class Decoder {
    private Decoder() {}

    /// Decodes the picture of `format` that `pieces` of `file` have.
    ///
    /// @param rawSamples whether the decoder may not convert colours, as it does not know how
    static Raster decode(PictureFile file, PictureFormat format, Canvas canvas, Pieces pieces, boolean rawSamples) {
        Raster raster = decode(file, format, pieces, rawSamples);
        if (raster.getWidth() != canvas.width() || raster.getHeight() != canvas.height()) {
            throw file.damaged(format, "its size is given twice, and differs");
        }
        return raster;
    }

    private static Raster decode(PictureFile file, PictureFormat format, Pieces pieces, boolean rawSamples) {
        try {
            ImageReader reader = reader(format);
            try {
                reader.setInput(pieces, true, true);
                return rawSamples ? reader.readRaster(0, null) : reader.read(0).getRaster();
            } finally {
                reader.dispose();
            }
        } catch (IOException | RuntimeException e) { // decoders meet damage with any of them
            throw new UnreadablePictureException(
                    file.name(), "the " + format + " picture is damaged and cannot be decoded", e);
        }
    }

    private static ImageReader reader(PictureFormat format) throws IOException {
        if (format == PictureFormat.WEBP) {
            return new WebPImageReaderSpi().createReaderInstance(null);
        }
        Iterator<ImageReader> readers =
                ImageIO.getImageReadersByFormatName(format.toString().toLowerCase(Locale.ROOT));
        while (readers.hasNext()) {
            ImageReader reader = readers.next();
            if (reader.getClass().getModule() == ImageIO.class.getModule()) {
                return reader;
            }
        }
        throw new IllegalStateException("this Java runtime has no decoder of " + format);
    }
}
