package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.GgufWriter.Entry;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
    private static final List<Entry> ENTRIES = List.of(
            Entry.of("vector", DType.F32, 3), Entry.of("matrix", DType.Q8_0, 2, 32), Entry.of("last", DType.BF16, 5));

    @TempDir
    Path directory = Path.of("");

    private Path file = Path.of("");

    @BeforeEach
    void writeAFile() throws IOException {
        file = directory.resolve("model.gguf");
        write(file, metadata(), ENTRIES);
    }

    @Test
    void readsWhatWasWritten() {
        try (GgufFile gguf = GgufFile.open(file)) {
            JsonObject metadata = gguf.metadata();
            assertEquals(metadata().keySet(), metadata.keys());
            assertEquals("llama", metadata.requireString("general.architecture"));
            assertEquals(7, metadata.requireInt("count"));
            assertEquals(-7, metadata.requireInt("negative"));
            assertEquals(1L << 40, metadata.requireLong("large"));
            assertEquals(1e-5f, (float) metadata.requireDouble("small"));
            assertEquals(0.1, metadata.requireDouble("exact"));
            assertEquals(true, metadata.optionalBoolean("yes").orElseThrow());
            assertEquals(
                    List.of("a", "", "語"), metadata.optionalStrings("words").orElseThrow());
            assertEquals(List.of(1, -2), metadata.optionalInts("numbers").orElseThrow());
            assertEquals(List.of(List.of(1.5), List.of()), metadata.asMap().get("nested"));
            assertEquals(
                    List.of("vector", "matrix", "last"),
                    List.copyOf(gguf.tensors().keySet()));
            RawTensor matrix = gguf.tensors().get("matrix");
            assertTrue(matrix != null && matrix.offset() % 64 == 0);
            assertEquals(List.of(2L, 32L), matrix.shape());
            assertEquals(DType.Q8_0, matrix.require().dtype());
            byte[] bytes = new byte[68];
            gguf.read(matrix, 0, MemorySegment.ofArray(bytes));
            assertArrayEquals(content(ENTRIES.get(1)), bytes);
            byte[] tail = new byte[3];
            gguf.read(matrix.require(), 65, MemorySegment.ofArray(tail));
            assertArrayEquals(Arrays.copyOfRange(content(ENTRIES.get(1)), 65, 68), tail);
        }
    }

    @Test
    void readsHeadersLongerThanItsBuffer() throws IOException {
        List<String> words = java.util.stream.IntStream.range(0, 20_000)
                .mapToObj(i -> "word " + i)
                .toList();
        String template = "x".repeat(100_000);
        write(file, Map.of("words", words, "template", template), ENTRIES);
        try (GgufFile gguf = GgufFile.open(file)) {
            assertEquals(words, gguf.metadata().optionalStrings("words").orElseThrow());
            assertEquals(template, gguf.metadata().requireString("template"));
            assertEquals(3, gguf.tensors().size());
        }
    }

    @Test
    void readsVersionTwoAndNumbersBeyondALong() throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        little(bytes).putInt(4, 2);
        int large = indexOf(bytes, "large") + 5;
        little(bytes).putInt(large, GgufMetadata.UINT64).putLong(large + 4, -1);
        Files.write(file, bytes);
        try (GgufFile gguf = GgufFile.open(file)) {
            assertEquals(
                    BigInteger.TWO.pow(64).subtract(BigInteger.ONE),
                    gguf.metadata().asMap().get("large"));
            String message = String.valueOf(assertThrows(
                            MalformedModelException.class, () -> gguf.metadata().requireLong("large"))
                    .getMessage());
            assertEquals(file + ": large: expected an integer of 64 bits, found 18446744073709551615", message);
        }
    }

    @Test
    void changesItsChecksumWithTheHeaderOnly() throws IOException {
        long before = checksum();
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 60]++;
        Files.write(file, bytes);
        assertEquals(before, checksum());
        bytes[indexOf(bytes, "llama")]++;
        Files.write(file, bytes);
        assertNotEquals(before, checksum());
    }

    @Test
    void readsWholeNumbersAsFloatsThatAreThem() throws IOException {
        List<Entry> entries = List.of(new Entry("ids", GgmlType.I32, List.of(2L, 1L)), Entry.of("a", DType.F32, 1));
        try (GgufWriter writer = GgufWriter.create(file, Map.of(), entries)) {
            writer.write("ids", MemorySegment.ofArray(new byte[] {-1, -1, -1, -1, 1, 0, 0, 1}));
            writer.write("a", MemorySegment.ofArray(new byte[4]));
        }
        try (GgufParts parts = GgufParts.open(file)) {
            RawTensor ids = parts.requireIntegers("ids", 2, 1);
            assertEquals(
                    file + ": tensor ids: expected whole numbers that 32-bit floats hold, found 16777217",
                    assertThrows(MalformedModelException.class, () -> parts.readIntegers(ids))
                            .getMessage());
            RawTensor first = new RawTensor("ids", ids.dtype(), List.of(1L), file, ids.offset(), 4);
            assertArrayEquals(new float[] {-1}, parts.readIntegers(first));
            assertEquals(
                    file + ": tensor a: dtype: expected I64 or I32, found F32",
                    assertThrows(MalformedModelException.class, () -> parts.requireIntegers("a", 1))
                            .getMessage());
        }
    }

    @Nested
    class Parts {
        @Test
        void areFoundFromAnyOfThem() throws IOException {
            Path second = writeParts(3).get(1);
            try (GgufParts parts = GgufParts.open(second)) {
                assertEquals(3, parts.files().size());
                assertEquals(
                        List.of("t0", "t1", "t2"), List.copyOf(parts.tensors().keySet()));
                assertEquals("llama", parts.metadata().requireString("general.architecture"));
            }
            assertEquals("m", GgufParts.nameOf(second));
            assertEquals("model", GgufParts.nameOf(file));
            assertTrue(GgufParts.isOne(second) && !GgufParts.isOne(directory));
            Path renamed = Files.move(second, directory.resolve("sha256-0123"));
            assertTrue(GgufParts.isOne(renamed));
            assertEquals("sha256-0123", GgufParts.nameOf(renamed));
            assertFalse(GgufParts.isOne(Files.writeString(renamed, "GG")));
        }

        /// Its numbers have digits of its own.
        @Test
        void areFoundInArabicToo() throws IOException {
            Path first = writeParts(2).getFirst();
            Locale before = Locale.getDefault();
            Locale.setDefault(Locale.forLanguageTag("ar-EG"));
            try (GgufParts parts = GgufParts.open(first)) {
                assertEquals(2, parts.files().size());
            } finally {
                Locale.setDefault(before);
            }
        }

        @Test
        void areNamedWhenMissing() throws IOException {
            List<Path> paths = writeParts(3);
            Files.delete(paths.get(2));
            assertPartsRefused(
                    paths.get(0),
                    paths.get(0) + ": parts: expected the file m-00003-of-00003.gguf in the same directory,"
                            + " found no such file");
        }

        @Test
        void areRefusedWhenTheirNamesAreWrong() throws IOException {
            List<Path> paths = writeParts(2);
            Path renamed = Files.copy(paths.get(0), directory.resolve("whole.gguf"));
            assertPartsRefused(renamed, "whole.gguf: split.count: expected 1, since the file is not named like");
            Files.copy(paths.get(0), paths.get(1), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            assertPartsRefused(paths.get(1), "m-00002-of-00002.gguf: split.no: expected 1, as the file's name says");
            Path fourth = Files.copy(paths.get(0), directory.resolve("m-00004-of-00003.gguf"));
            assertPartsRefused(fourth, "name: expected the number of a part from 1 to 3, found 00004");
        }

        /// llama-gguf-split --merge leaves what the first part said, and 0 as the number of parts.
        @Test
        void thatWereMergedAreOneFile() throws IOException {
            Path merged = directory.resolve("merged.gguf");
            write(merged, partMetadata(0, 0, 2), List.of(Entry.of("a", DType.F32, 1), Entry.of("b", DType.F32, 1)));
            try (GgufParts parts = GgufParts.open(merged)) {
                assertEquals(Set.of("a", "b"), parts.tensors().keySet());
            }
            List<Path> paths = writeParts(2);
            write(paths.get(1), partMetadata(1, 0, 2), List.of(Entry.of("t1", DType.F32, 2)));
            assertPartsRefused(paths.get(1), "split.count: expected 2, as the file's name says, found 0");
        }

        @Test
        void areRefusedWhenTheyDoNotBelongTogether() throws IOException {
            List<Path> paths = writeParts(2);
            writePart(paths.get(1), 1, 3, "t1");
            assertPartsRefused(paths.get(0), "split.count: expected 2, as the file's name says, found 3");
            writePart(paths.get(1), 1, 2, "t0");
            assertPartsRefused(paths.get(0), "tensor t0: expected each name once, found one of this name in m-00001");
            write(paths.get(1), partMetadata(1, 2), List.of(Entry.of("a", DType.F32, 1), Entry.of("b", DType.F32, 1)));
            assertPartsRefused(paths.get(0), "split.tensors.count: expected 3, as many as the parts hold, found 2");
        }

        private List<Path> writeParts(int count) throws IOException {
            List<Path> paths = java.util.stream.IntStream.range(0, count)
                    .mapToObj(i -> directory.resolve(String.format(Locale.ROOT, "m-%05d-of-%05d.gguf", i + 1, count)))
                    .toList();
            for (int i = 0; i < count; i++) {
                writePart(paths.get(i), i, count, "t" + i);
            }
            return paths;
        }

        private void writePart(Path path, int number, int count, String tensor) throws IOException {
            write(path, partMetadata(number, count), List.of(Entry.of(tensor, DType.F32, 2)));
        }

        private Map<String, Object> partMetadata(int number, int count) {
            return partMetadata(number, count, count);
        }

        private Map<String, Object> partMetadata(int number, int count, int tensors) {
            Map<String, Object> metadata = new LinkedHashMap<>();
            if (number == 0) {
                metadata.put("general.architecture", "llama");
            }
            metadata.put("split.no", number);
            metadata.put("split.count", count);
            metadata.put("split.tensors.count", tensors);
            return metadata;
        }

        private void assertPartsRefused(Path path, String expected) {
            String message = String.valueOf(assertThrows(
                            MalformedModelException.class,
                            () -> GgufParts.open(path).close())
                    .getMessage());
            assertTrue(message.contains(expected), message);
        }
    }

    @Nested
    class Refuses {
        @Test
        void otherMagic() throws IOException {
            damage(bytes -> bytes[1] = 'X');
            assertRefused("magic: expected a GGUF file, which begins with GGUF, found one that begins with GXUF");
            Files.writeString(file, "version https://git-lfs.github.com/spec/v1\n");
            assertRefused("found what may be a Git LFS pointer");
            Files.writeString(file, "GG");
            assertRefused("magic: expected more bytes, file ends after 2; it is truncated");
        }

        @Test
        void otherVersions() throws IOException {
            damage(bytes -> little(bytes).putInt(4, 1));
            assertRefused("version: expected 2 or 3, found 1; convert the model again");
            damage(bytes -> little(bytes).putInt(4, 77));
            assertRefused("version: expected 2 or 3, found 77");
            damage(bytes -> little(bytes).putInt(4, Integer.reverseBytes(3)));
            assertRefused("version: expected a little-endian file, found a big-endian one of version 3");
        }

        @Test
        void absurdCounts() throws IOException {
            damage(bytes -> little(bytes).putLong(8, 1L << 60));
            assertRefused("number of tensors: expected at most ");
            damage(bytes -> little(bytes).putLong(16, -1));
            assertRefused("as the rest of the file holds, found 18446744073709551615");
            damage(bytes -> little(bytes).putLong(24, 1L << 31));
            assertRefused("metadata key 0: length: expected at most ");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "words") + 13, 1L << 33));
            assertRefused("metadata words: number of elements: expected at most ");
        }

        @Test
        void otherTypesOfValues() throws IOException {
            damage(bytes -> little(bytes).putInt(indexOf(bytes, "count") + 5, 13));
            assertRefused("metadata count: type: expected a number from 0 to 12, found 13");
            damage(bytes -> little(bytes).putInt(indexOf(bytes, "words") + 9, 99));
            assertRefused("metadata words: type: expected a number from 0 to 12, found 99");
            damage(bytes -> bytes[indexOf(bytes, "yes") + 7] = 2);
            assertRefused("metadata yes: expected 0 or 1 for false or true, found 2");
        }

        @Test
        void deepArrays() throws IOException {
            write(file, Map.of("deep", List.of(List.of(List.of(List.of(1))))), ENTRIES);
            assertRefused("metadata deep: expected arrays at most 3 deep, found deeper ones");
        }

        @Test
        void aKeyOrANameTwice() throws IOException {
            damage(bytes -> bytes[indexOf(bytes, "key1") + 3] = '2');
            assertRefused("metadata key2: expected each key once, found two entries of this key");
            write(file, Map.of(), List.of(Entry.of("tens1", DType.F32, 1), Entry.of("tens2", DType.F32, 1)));
            byte[] bytes = Files.readAllBytes(file);
            bytes[indexOf(bytes, "tens1") + 4] = '2';
            Files.write(file, bytes);
            assertRefused("tensor tens2: expected each name once, found two tensors of this name");
        }

        @Test
        void alignmentsThatAreNone() throws IOException {
            for (int alignment : new int[] {0, 4, 48, -32}) {
                damage(bytes -> little(bytes).putInt(indexOf(bytes, "general.alignment") + 21, alignment));
                assertRefused("general.alignment: expected ");
            }
        }

        @Test
        void shapesThatCannotBe() throws IOException {
            int dimensions = "matrix".length();
            damage(bytes -> little(bytes).putInt(indexOf(bytes, "matrix") + dimensions, 5));
            assertRefused("tensor matrix: dimensions: expected 1 to 4, found 5");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + dimensions + 4, 33));
            assertRefused("tensor matrix: shape: expected rows of whole Q8_0 blocks of 32 elements, found [33, 2]");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + dimensions + 12, 1L << 60));
            assertRefused("tensor matrix: shape: expected bytes that fit 64 bits");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + dimensions + 12, 0));
            assertRefused("tensor matrix: shape: expected no dimension below 1, found [32, 0]");
        }

        @Test
        void anUnknownTypeWithItsTensor() throws IOException {
            int type = "matrix".length() + 20;
            damage(bytes -> little(bytes).putInt(indexOf(bytes, "matrix") + type, 99));
            assertRefused("tensor matrix: type: expected a type that this version knows the size of, found number 99");
            write(file, Map.of(), List.of(new Entry("a", GgmlType.Q8_K, List.of(256L))));
            try (GgufFile gguf = GgufFile.open(file)) {
                RawTensor tensor = gguf.tensors().get("a");
                String message = String.valueOf(assertThrows(MalformedModelException.class, () -> {
                            if (tensor != null) {
                                tensor.require();
                            }
                        })
                        .getMessage());
                assertTrue(
                        message.contains("tensor a: dtype: expected one of F32, F16, BF16, Q8_0, Q4_0")
                                && message.endsWith("found Q8_K"),
                        message);
            }
        }

        @Test
        void tensorsThatOverlapOrLeaveGapsOrLieOutside() throws IOException {
            int offset = "matrix".length() + 24;
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + offset, 0));
            assertRefused("tensor matrix: offset: expected no overlap with tensor vector, found 12 bytes in common");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + offset, 8));
            assertRefused("tensor matrix: offset: expected a multiple of 64, found 8");
            damage(bytes -> little(bytes).putLong(indexOf(bytes, "matrix") + offset, 1 << 20));
            assertRefused("tensor matrix: expected 68 bytes from byte 1048576 of the data, file ends after ");
            write(file, Map.of(), List.of(Entry.of("only", DType.F32, 1), Entry.of("more", DType.F32, 1)));
            byte[] bytes = Files.readAllBytes(file);
            little(bytes).putLong(indexOf(bytes, "more") + 4 + 16, 64);
            Files.write(file, Arrays.copyOf(bytes, bytes.length + 64));
            assertRefused("tensor more: offset: expected no gap after tensor only, found 32 bytes that belong to no");
        }

        @Test
        void everyTruncation() throws IOException {
            byte[] bytes = Files.readAllBytes(file);
            int needed = bytes.length - (64 - 10); // the padding of the last tensor may be left out
            for (int length = 0; length < needed; length++) {
                Files.write(file, Arrays.copyOf(bytes, length));
                assertRefused("truncated");
            }
            Files.write(file, Arrays.copyOf(bytes, needed));
            GgufFile.open(file).close();
        }

        @Test
        void whatIsNoFile() {
            assertEquals(directory + ": expected a GGUF file, found something that is no file", refusal(directory));
            assertEquals(directory + "/none: no such file", refusal(directory.resolve("none")));
        }

        private void damage(java.util.function.Consumer<byte[]> damage) throws IOException {
            write(file, metadata(), ENTRIES);
            byte[] bytes = Files.readAllBytes(file);
            damage.accept(bytes);
            Files.write(file, bytes);
        }

        private void assertRefused(String expected) {
            String message = refusal(file);
            assertTrue(message.startsWith(file + ": ") && message.contains(expected), message);
        }
    }

    private static Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", "llama");
        metadata.put("general.alignment", 64);
        metadata.put("key1", 1);
        metadata.put("key2", 2);
        metadata.put("count", 7);
        metadata.put("negative", -7);
        metadata.put("large", 1L << 40);
        metadata.put("small", 1e-5f);
        metadata.put("exact", 0.1);
        metadata.put("yes", true);
        metadata.put("words", List.of("a", "", "語"));
        metadata.put("numbers", List.of(1, -2));
        metadata.put("nested", List.of(List.of(1.5), List.of()));
        return metadata;
    }

    private static void write(Path path, Map<String, Object> metadata, List<Entry> entries) throws IOException {
        try (GgufWriter writer = GgufWriter.create(path, metadata, entries)) {
            for (Entry entry : entries) {
                MemorySegment bytes = MemorySegment.ofArray(content(entry));
                writer.write(entry.name(), bytes.asSlice(0, 1));
                writer.write(entry.name(), bytes.asSlice(1));
            }
        }
    }

    private static byte[] content(Entry entry) {
        byte[] bytes = new byte[(int) entry.byteLength()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i + entry.name().length());
        }
        return bytes;
    }

    private long checksum() {
        try (GgufFile gguf = GgufFile.open(file)) {
            return gguf.headerChecksum();
        }
    }

    private static String refusal(Path path) {
        return String.valueOf(assertThrows(
                        MalformedModelException.class, () -> GgufFile.open(path).close())
                .getMessage());
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int indexOf(byte[] bytes, String text) {
        int index = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
        assertTrue(index >= 0, text);
        return index;
    }
}
