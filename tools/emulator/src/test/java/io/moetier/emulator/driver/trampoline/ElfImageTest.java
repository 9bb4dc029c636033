package io.moetier.emulator.driver.trampoline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElfImageTest {
    private static final List<String> NAMES = List.of("cuInit", "cuMemAlloc_v2", "cuLaunchKernel", "cuStreamQuery");

    @ParameterizedTest
    @EnumSource(Processor.class)
    void findsEachFunctionInTheHashTableAndItsSlotBehindTheJump(Processor processor) {
        Image image = new Image(ElfImage.of("libsome.so", NAMES, processor));

        Symbol slots = image.find(ElfImage.SLOTS);
        assertEquals(8L * NAMES.size(), slots.byteSize());
        for (int i = 0; i < NAMES.size(); i++) {
            Symbol function = image.find(NAMES.get(i));
            assertEquals(slots.at() + 8L * i, image.target(function.at(), processor), NAMES.get(i));
        }
    }

    @ParameterizedTest
    @EnumSource(Processor.class)
    void namesItself(Processor processor) {
        Image image = new Image(ElfImage.of("libsome.so", NAMES, processor));

        assertEquals("libsome.so", image.string(image.dynamic(14)));
        assertEquals(processor.elfMachine(), image.bytes.getShort(18));
    }

    @ParameterizedTest
    @EnumSource(Processor.class)
    void keepsCodeAndSlotsInDifferentPages(Processor processor) {
        Image image = new Image(ElfImage.of("libsome.so", NAMES, processor));

        long page = 0x10000;
        assertTrue(image.find(ElfImage.SLOTS).at() / page
                > image.find("cuStreamQuery").at() / page);
    }

    @Test
    void knowsTheProcessorsOfLinuxOnly() {
        assertEquals(Processor.X86_64, Processor.of("linux-x86_64").orElseThrow());
        assertEquals(Processor.AARCH64, Processor.of("linux-aarch64").orElseThrow());
        assertTrue(Processor.of("win-x86_64").isEmpty());
    }

    private record Symbol(long at, long byteSize) {}

    /// Reads an image as a loader does: from the program headers to the dynamic section to the symbols.
    private static final class Image {
        final ByteBuffer bytes;
        final Map<Long, Long> dynamic = new HashMap<>();

        Image(byte[] image) {
            bytes = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < bytes.getShort(56); i++) {
                int header = (int) bytes.getLong(32) + 56 * i;
                if (bytes.getInt(header) == 2) {
                    readDynamicSection((int) bytes.getLong(header + 8), (int) bytes.getLong(header + 32));
                }
            }
        }

        private void readDynamicSection(int at, int byteSize) {
            for (int i = at; i < at + byteSize; i += 16) {
                dynamic.put(bytes.getLong(i), bytes.getLong(i + 8));
            }
        }

        long dynamic(long tag) {
            return Objects.requireNonNull(dynamic.get(tag));
        }

        Symbol find(String name) {
            int hash = (int) dynamic(4);
            int numBuckets = bytes.getInt(hash);
            int bucket = (int) (hash(name) % numBuckets);
            for (int symbol = bytes.getInt(hash + 8 + 4 * bucket);
                    symbol != 0;
                    symbol = bytes.getInt(hash + 8 + 4 * (numBuckets + symbol))) {
                int at = (int) dynamic(6) + 24 * symbol;
                if (string(bytes.getInt(at)).equals(name)) {
                    return new Symbol(bytes.getLong(at + 8), bytes.getLong(at + 16));
                }
            }
            throw new AssertionError(name + " is not in its bucket");
        }

        /// As the System V ABI prints it.
        private static long hash(String name) {
            long h = 0;
            for (int i = 0; i < name.length(); i++) {
                h = (h << 4) + name.charAt(i);
                long g = h & 0xf0000000L;
                h = g != 0 ? h ^ (g >> 24) : h;
                h &= ~g;
            }
            return h;
        }

        String string(long offset) {
            StringBuilder text = new StringBuilder();
            for (int i = (int) dynamic(5) + (int) offset; bytes.get(i) != 0; i++) {
                text.append((char) bytes.get(i));
            }
            return text.toString();
        }

        /// Returns where the slot of a jump is.
        long target(long at, Processor processor) {
            int code = (int) at;
            return switch (processor) {
                case X86_64 -> {
                    assertEquals((short) 0x25ff, bytes.getShort(code));
                    yield code + 6 + bytes.getInt(code + 2);
                }
                case AARCH64 -> {
                    int adrp = bytes.getInt(code);
                    int load = bytes.getInt(code + 4);
                    assertEquals(0x90000010, adrp & 0x9f00001f);
                    assertEquals(0xf9400210, load & 0xffc003ff);
                    assertEquals(0xd61f0200, bytes.getInt(code + 8));
                    long pages = 4L * (adrp >> 5 & 0x7ffff) + (adrp >>> 29 & 3);
                    yield (code & ~0xfff) + (pages << 12) + (load >> 10 & 0xfff) * 8L;
                }
            };
        }
    }
}
