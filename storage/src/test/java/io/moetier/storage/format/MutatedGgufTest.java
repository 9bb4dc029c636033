package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.GgufWriter.Entry;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Seeds;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Damaged GGUF headers are refused in words: no other exception, no memory taken on a damaged number's word.
class MutatedGgufTest {
    private static final Path FILE = Path.of("damaged.gguf");
    /// A parse may allocate a few objects for each byte that is there, not for what a number promises.
    private static final long MAX_ALLOCATED_BYTES = 1 << 20;

    /// Numbers that break arithmetic on lengths and offsets.
    private static final long[] AWKWARD = {
        0,
        1,
        -1,
        7,
        8,
        9,
        255,
        256,
        65_536,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 31,
        1L << 32,
        1L << 40,
        1L << 61,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MAX_VALUE - 31
    };

    private static byte[] sound = {};
    private static int headerBytes;

    @BeforeAll
    static void writeASoundFile() throws IOException {
        Path path = Files.createTempFile("sound", ".gguf");
        List<Entry> entries =
                List.of(Entry.of("a", DType.F32, 3), Entry.of("b", DType.Q8_0, 2, 2, 32), Entry.of("c", DType.BF16, 5));
        try (GgufWriter writer = GgufWriter.create(path, metadata(), entries)) {
            for (Entry entry : entries) {
                writer.write(entry.name(), java.lang.foreign.MemorySegment.ofArray(new byte[(int) entry.byteLength()]));
            }
        }
        sound = Files.readAllBytes(path);
        Files.delete(path);
        headerBytes = sound.length - 3 * 64 - 2 * 64;
        assertTrue(parses(sound));
    }

    private static Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", "llama");
        metadata.put("general.alignment", 64);
        metadata.put("llama.block_count", 2);
        metadata.put("llama.eps", 1e-5f);
        metadata.put("big", 5L);
        metadata.put("flag", true);
        metadata.put("tokens", List.of("a", "bc", ""));
        metadata.put("types", List.of(1, 2, 3));
        metadata.put("nested", List.of(List.of(1.5), List.of()));
        return metadata;
    }

    @Test
    void changedBytesAreRefusedOrRead() {
        Seeds.each(120_000, (_, random) -> {
            byte[] damaged = sound.clone();
            int changes = 1 + random.nextInt(4);
            for (int i = 0; i < changes; i++) {
                change(damaged, random);
            }
            parses(random.nextInt(8) == 0 ? Arrays.copyOf(damaged, random.nextInt(damaged.length)) : damaged);
        });
    }

    @Test
    void nothingIsAllocatedOnADamagedNumbersWord() {
        Seeds.each(2_000, (_, random) -> {
            byte[] damaged = sound.clone();
            change(damaged, random);
            com.sun.management.ThreadMXBean threads =
                    (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            parses(damaged);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(allocated < MAX_ALLOCATED_BYTES, () -> allocated + " bytes allocated");
        });
    }

    @Test
    void noTruncatedHeaderIsRead() {
        for (int length = 0; length < headerBytes; length++) {
            assertFalse(parses(Arrays.copyOf(sound, length)), "cut to " + length + " bytes");
        }
    }

    private static void change(byte[] bytes, SplittableRandom random) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = random.nextInt(headerBytes);
        switch (random.nextInt(4)) {
            case 0 -> bytes[at] = (byte) random.nextInt();
            case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 2 -> buffer.putInt(at, (int) AWKWARD[random.nextInt(AWKWARD.length)]);
            default -> buffer.putLong(at, AWKWARD[random.nextInt(AWKWARD.length)]);
        }
    }

    private static boolean parses(byte[] bytes) {
        try {
            GgufHeader header =
                    GgufHeader.parse(FILE, Channels.newChannel(new ByteArrayInputStream(bytes)), bytes.length);
            for (RawTensor tensor : header.tensors().values()) {
                assertTrue(tensor.offset() >= 0 && tensor.end() <= bytes.length, tensor::toString);
            }
            return true;
        } catch (MalformedModelException e) {
            assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
            return false;
        }
    }
}
