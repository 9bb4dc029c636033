package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

class QuantisedBlocksTest {
    @Test
    void decodesToTheBitsOfGgml() throws IOException {
        ByteBuffer file = read();
        Set<DType> seen = EnumSet.of(DType.F32, DType.F16, DType.BF16);
        while (file.hasRemaining()) {
            byte[] label = new byte[8];
            file.get(label);
            DType dtype = DType.valueOf(
                    new String(label, StandardCharsets.US_ASCII).strip().toUpperCase(Locale.ROOT));
            int numBlocks = file.getInt();
            MemorySegment blocks = MemorySegment.ofBuffer(take(file, numBlocks * dtype.blockBytes()));
            int elements = numBlocks * dtype.blockElements();
            float[] decoded = new float[elements];
            Floats.decode(dtype, blocks, elements, decoded, 0);
            ByteBuffer expected = take(file, 4 * elements);
            for (int i = 0; i < elements; i++) {
                int at = i;
                // floatToIntBits makes all NaNs one
                assertEquals(
                        Float.floatToIntBits(expected.getFloat()),
                        Float.floatToIntBits(decoded[i]),
                        () -> dtype + " block " + at / dtype.blockElements() + " element " + at % dtype.blockElements()
                                + " is " + decoded[at]);
            }
            assertTrue(seen.add(dtype));
        }
        assertEquals(EnumSet.allOf(DType.class), seen);
    }

    private static ByteBuffer take(ByteBuffer file, int bytes) {
        ByteBuffer taken = file.slice(file.position(), bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.position(file.position() + bytes);
        return taken;
    }

    private static ByteBuffer read() throws IOException {
        try (InputStream file = new GZIPInputStream(Files.newInputStream(TestData.quantisedBlocks()))) {
            return ByteBuffer.wrap(file.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
