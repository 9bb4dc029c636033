package io.moetier.runtime.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PictureTest {
    private static final Path FILES = TestData.root().resolve("images/files");
    private static final int COLOUR = 2;

    private static byte[] bytes(String name) throws IOException {
        return Files.readAllBytes(FILES.resolve(name));
    }

    private static String refusal(byte[] bytes) {
        return String.valueOf(assertThrows(UnreadablePictureException.class, () -> Picture.read(bytes, "p"))
                .getMessage());
    }

    private static byte[] chunk(String name, byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(out);
        data.writeInt(content.length);
        data.writeBytes(name);
        data.write(content);
        CRC32 checksum = new CRC32();
        checksum.update(out.toByteArray(), 4, content.length + 4);
        data.writeInt((int) checksum.getValue());
        return out.toByteArray();
    }

    private static byte[] header(int width, int height, int depth, int type) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(out);
        data.writeInt(width);
        data.writeInt(height);
        data.write(new byte[] {(byte) depth, (byte) type, 0, 0, 0});
        return chunk("IHDR", out.toByteArray());
    }

    private static byte[] png(byte[]... chunks) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(PngFile.SIGNATURE);
        for (byte[] chunk : chunks) {
            out.write(chunk);
        }
        out.write(chunk("IEND", new byte[0]));
        return out.toByteArray();
    }

    private static byte[] zlib(byte... bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(out)) {
            deflater.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] deflated(byte... rows) throws IOException {
        return chunk("IDAT", zlib(rows));
    }

    /// Three columns and two rows, whose red are 1 to 6.
    private static byte[] numbered(byte[]... more) throws IOException {
        byte[] pixels = deflated(new byte[] {0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0, 5, 0, 0, 6, 0, 0});
        byte[][] chunks = Arrays.copyOf(more, more.length + 2);
        System.arraycopy(more, 0, chunks, 1, more.length);
        chunks[0] = header(3, 2, 8, COLOUR);
        chunks[more.length + 1] = pixels;
        return png(chunks);
    }

    /// What ImageMagick and libwebp decode to, which use the libraries that Pillow does.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "subsampled.jpg",
                "full.jpg",
                "progressive.jpg",
                "cmyk.jpg",
                "grey.jpg",
                "sixteen-bits.png",
                "interlaced.png",
                "one-bit.png",
                "palette.png",
                "transparent.png",
                "grey-transparent.png",
                "plain.gif",
                "interlaced.gif",
                "animated.gif",
                "colours.bmp",
                "indexed.bmp",
                "runs.bmp",
                "one-bit.bmp",
                "lossless.webp",
                "animated.webp"
            })
    void isDecodedAsByTheReference(String name) throws IOException {
        Picture picture = Picture.read(FILES.resolve(name));
        assertEquals(37, picture.width());
        assertEquals(23, picture.height());
        assertArrayEquals(bytes(name + ".rgb"), picture.rgb());
    }

    /// The lower bits are dropped where the reference rounds; colours of lossy WebP are not interpolated between
    /// pixels.
    @ParameterizedTest
    @CsvSource({"grey16.png, 1, 0.6", "masks.bmp, 8, 4", "lossy.webp, 128, 8", "transparent.webp, 128, 8"})
    void isDecodedNearlyAsByTheReference(String name, int most, double onAverage) throws IOException {
        byte[] found = Picture.read(FILES.resolve(name)).rgb();
        byte[] expected = bytes(name + ".rgb");
        assertEquals(expected.length, found.length);
        long sum = 0;
        int largest = 0;
        for (int i = 0; i < found.length; i++) {
            int distance = Math.abs((found[i] & 0xFF) - (expected[i] & 0xFF));
            sum += distance;
            largest = Math.max(largest, distance);
        }
        assertTrue(largest <= most && sum <= onAverage * found.length, name + ": " + largest + ", " + sum);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 3, 123456",
        "2, 3, 321654",
        "3, 3, 654321",
        "4, 3, 456123",
        "5, 2, 142536",
        "6, 2, 415263",
        "7, 2, 635241",
        "8, 2, 362514",
        "9, 3, 123456"
    })
    void isTurnedUpright(int orientation, int width, String reds) throws IOException {
        byte[] exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte) orientation, 0, 0, 0};
        Picture picture = Picture.read(numbered(chunk("eXIf", exif)), "p");
        StringBuilder found = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            found.append(picture.rgb()[3 * i]);
        }
        assertEquals(reds, found.toString());
        assertEquals(width, picture.width());
    }

    /// Programs that write every number in four bytes are understood by Pillow, too.
    @ParameterizedTest
    @ValueSource(strings = {"MM\0*\0\0\0\b\0\1\1\22\0\4\0\0\0\1\0\0\0\6", "II*\0\b\0\0\0\1\0\22\1\4\0\1\0\0\0\6\0\0\0"})
    void anOrientationOfFourBytesTurns(String exif) throws IOException {
        byte[] picture = numbered(chunk("eXIf", exif.getBytes(StandardCharsets.ISO_8859_1)));
        assertEquals(2, Picture.read(picture, "p").width());
    }

    /// EXIF of more than 64 KiB goes on in a second segment, which begins with the mark again but has no header.
    @Test
    void exifInTwoSegmentsTurnsAJpeg() throws IOException {
        byte[] jpeg = bytes("grey.jpg");
        Picture upright = Picture.read(jpeg, "p");
        byte[] exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
        ByteArrayOutputStream turned = new ByteArrayOutputStream();
        turned.write(jpeg, 0, 2);
        for (byte[] part : List.of(exif, new byte[40])) {
            turned.write(new byte[] {(byte) 0xFF, (byte) 0xE1, 0, (byte) (2 + 6 + part.length)});
            turned.write("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
            turned.write(part);
        }
        turned.write(jpeg, 2, jpeg.length - 2);
        Picture found = Picture.read(turned.toByteArray(), "p");
        assertEquals(upright.height(), found.width());
        assertEquals(upright.width(), found.height());
        assertNotEquals(upright.width(), upright.height());
    }

    /// ImageMagick and others wrote EXIF so before PNG had a chunk for it.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void exifInATextTurnsUnlessItsOwnChunkSaysOtherwise(boolean deflated) throws IOException {
        String exif = "\nexif\n      32\n457869660000" + "49492a0008000000\n0100120103000100\n000006000000\n";
        byte[] text = exif.getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.write(("Raw profile type exif\0" + (deflated ? "\0" : "")).getBytes(StandardCharsets.US_ASCII));
        content.write(deflated ? zlib(text) : text);
        byte[] profile = chunk(deflated ? "zTXt" : "tEXt", content.toByteArray());
        assertEquals(2, Picture.read(numbered(profile), "p").width());
        byte[] none = chunk("eXIf", new byte[] {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0});
        assertEquals(3, Picture.read(numbered(none, profile), "p").width());
        assertEquals(3, Picture.read(numbered(profile, none), "p").width());
    }

    /// All of them unpacked, ten thousand of some hundred bytes would take many seconds.
    @ParameterizedTest
    @CsvSource({"1, 6, 2", "6, 1, 3", "6, 9, 3"})
    void ofSeveralTextsWithExifTheLastCounts(int first, int last, int width) throws IOException {
        ByteArrayOutputStream digits = new ByteArrayOutputStream();
        digits.write("\n\n\n".getBytes(StandardCharsets.US_ASCII));
        digits.write("0".repeat(250_000).getBytes(StandardCharsets.US_ASCII));
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.write("Raw profile type exif\0\0".getBytes(StandardCharsets.US_ASCII));
        content.write(zlib(digits.toByteArray()));
        byte[][] texts = new byte[10_002][];
        Arrays.fill(texts, chunk("zTXt", content.toByteArray()));
        texts[0] = profile(first);
        texts[texts.length - 1] = profile(last);
        assertEquals(width, Picture.read(numbered(texts), "p").width());
    }

    private static byte[] profile(int orientation) throws IOException {
        String text = "Raw profile type exif\0\n\n\n49492a0008000000010012010300010000000" + orientation + "000000";
        return chunk("tEXt", text.getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\0", "\0x\u009c?", "\nexif\n9\n4", "\nexif\n9\n49492a00\u00ff", "\n\n\nzz"})
    void aDamagedTextWithExifChangesNothing(String content) throws IOException {
        for (String name : List.of("tEXt", "zTXt")) {
            byte[] profile = ("Raw profile type exif\0" + content).getBytes(StandardCharsets.ISO_8859_1);
            assertEquals(3, Picture.read(numbered(chunk(name, profile)), "p").width());
        }
    }

    @Test
    void damagedExifAndProfilesChangeNothing() throws IOException {
        byte[] expected = Picture.read(numbered(), "p").rgb();
        byte[] exif = {'M', 'M', 0, 42, 0, 0, 0, 8, (byte) 0xFF, (byte) 0xFF, 1, 0x12, 0, 3};
        byte[] profile = "broken\0\0no profile".getBytes(StandardCharsets.US_ASCII);
        byte[] picture = numbered(chunk("eXIf", exif), chunk("iCCP", profile), chunk("acTL", new byte[8]));
        assertArrayEquals(expected, Picture.read(picture, "p").rgb());
    }

    @Test
    void coloursThatAPaletteHasNotAreGrey() throws IOException {
        byte[] picture = png(header(2, 1, 8, 3), chunk("PLTE", new byte[] {9, 8, 7}), deflated(new byte[] {0, 0, 5}));
        assertArrayEquals(
                new byte[] {9, 8, 7, 5, 5, 5}, Picture.read(picture, "p").rgb());
    }

    @Test
    void aSmallFirstFrameLiesOnTheFirstColour() throws IOException {
        byte[] gif = bytes("plain.gif");
        gif[6] = 38; // the canvas is a column wider
        Picture picture = Picture.read(gif, "p");
        assertEquals(38, picture.width());
        int palette = 13;
        assertArrayEquals(
                Arrays.copyOfRange(gif, palette, palette + 3), Arrays.copyOfRange(picture.rgb(), 3 * 37, 3 * 38));
    }

    @Test
    void whatIsNoPictureIsRefused() {
        assertEquals("p: the file is empty", refusal(new byte[0]));
        assertEquals(
                "p: expected a picture in PNG, JPEG, WebP, GIF or BMP, found something else",
                refusal("Dear diary,".getBytes(StandardCharsets.US_ASCII)));
    }

    @Test
    void whatIsTooLargeIsRefusedBeforeItIsDecoded() throws IOException {
        assertEquals(
                "p: expected at most 100000000 pixels, found 60000 x 60000",
                refusal(png(header(60_000, 60_000, 8, COLOUR), deflated(new byte[] {0}))));
        assertEquals(
                "p: expected at most 65535 pixels a side, found 1 x 70000",
                refusal(png(header(1, 70_000, 8, COLOUR), deflated(new byte[] {0}))));
        assertEquals(
                "p: the picture has 0 x 5 pixels", refusal(png(header(0, 5, 8, COLOUR), deflated(new byte[] {0}))));
    }

    @Test
    void theHeapIsAskedBefore() {
        Picture picture = Picture.of("p", 1, 1, new byte[3]);
        UnreadablePictureException refused =
                assertThrows(UnreadablePictureException.class, () -> picture.requireHeap(Long.MAX_VALUE));
        assertTrue(
                String.valueOf(refused.getMessage())
                        .startsWith(
                                "p: 1 x 1 pixels need 9223372036854775807 bytes of the Java heap, which has room for "),
                refused::toString);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "subsampled.jpg",
                "progressive.jpg",
                "cmyk.jpg",
                "interlaced.png",
                "palette.png",
                "plain.gif",
                "colours.bmp",
                "indexed.bmp",
                "lossy.webp",
                "lossless.webp"
            })
    void whatIsCutShortIsRefused(String name) throws IOException {
        byte[] whole = bytes(name);
        for (int length = 1; length < whole.length * 2 / 3; length += 1 + whole.length / 97) {
            assertTrue(refusal(Arrays.copyOf(whole, length)).startsWith("p: "), name);
        }
    }

    @Test
    void aWrongChecksumIsDamage() throws IOException {
        byte[] png = numbered();
        png[PngFile.SIGNATURE.length + 8 + 3]++; // the width
        assertEquals("p: the PNG picture is damaged: a checksum is wrong", refusal(png));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 8_421_505}) // so many go on for more columns than an int counts
    void runsBehindTheEndOfARowChangeNothing(int moves) {
        int colours = 54;
        ByteBuffer bmp = ByteBuffer.allocate(colours + 4 + 4 * moves + 4).order(ByteOrder.LITTLE_ENDIAN);
        bmp.put((byte) 'B').put((byte) 'M').putInt(10, colours + 4).position(14);
        bmp.putInt(40)
                .putInt(2)
                .putInt(1)
                .putShort((short) 1)
                .putShort((short) 8)
                .putInt(1);
        bmp.position(colours).putInt(0x070809);
        for (int i = 0; i < moves; i++) {
            bmp.putInt(0xFF_0200); // by 255 columns
        }
        bmp.putInt(0x0100_0501); // one pixel of another colour, and the end
        assertArrayEquals(
                new byte[] {7, 8, 9, 7, 8, 9}, Picture.read(bmp.array(), "p").rgb());
    }

    @Test
    void framesWithinFramesAreNoPicture() {
        int depth = 20_000;
        int size = 24; // of a frame's headers
        ByteBuffer webp = ByteBuffer.allocate(12 + size * depth).order(ByteOrder.LITTLE_ENDIAN);
        webp.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(webp.capacity() - 8);
        webp.put("WEBP".getBytes(StandardCharsets.US_ASCII));
        for (int inside = depth - 1; inside >= 0; inside--) {
            webp.put("ANMF".getBytes(StandardCharsets.US_ASCII)).putInt(16 + size * inside);
            webp.put(new byte[16]);
        }
        assertEquals("p: the WebP picture is damaged: it has no pixels", refusal(webp.array()));
    }

    @Test
    void manyScansAreRefused() throws IOException {
        byte[] jpeg = bytes("grey.jpg");
        int scan = 0;
        while ((jpeg[scan] & 0xFF) != 0xFF || (jpeg[scan + 1] & 0xFF) != 0xDA) {
            scan++;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(jpeg, 0, scan);
        for (int i = 0; i < 101; i++) {
            out.write(jpeg, scan, jpeg.length - 2 - scan);
        }
        out.write(jpeg, jpeg.length - 2, 2);
        assertEquals("p: expected at most 100 scans in a JPEG picture, found more", refusal(out.toByteArray()));
    }
}
