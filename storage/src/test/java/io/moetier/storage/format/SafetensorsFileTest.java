package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void readsTheHeaderOfAGoldenModelInFileOrder() {
        Path path = TestData.golden("mixtral").resolve("model.safetensors");
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertEquals(Map.of("format", "pt"), file.metadata());
            assertEquals("lm_head.weight", file.tensors().keySet().iterator().next());
            assertEquals(
                    new TensorInfo("model.norm.weight", DType.BF16, List.of(64L), path, 8 + 7424 + 723456, 128),
                    file.require("model.norm.weight"));
        }
    }

    @Test
    void readsTheLogitsOfAGoldenCase() {
        try (SafetensorsFile file =
                SafetensorsFile.open(TestData.golden("mixtral").resolve("logits.safetensors"))) {
            float[] logits = file.readFloats("logits");
            assertEquals(28 * 320, logits.length);
            float largest = 0;
            for (float logit : logits) {
                largest = Math.max(largest, Math.abs(logit));
            }
            assertEquals(3.9121f, largest, 5e-5f); // logits_abs_max of reference.json
        }
    }

    @Test
    void readsTheSameBytesWhateverThePiece() {
        try (SafetensorsFile file = SafetensorsFile.open(TestData.tinyMixtral().resolve("model.safetensors"));
                Arena arena = Arena.ofConfined()) {
            TensorInfo tensor = file.require("model.embed_tokens.weight");
            MemorySegment whole = arena.allocate(tensor.byteLength());
            file.read(tensor, 0, whole);
            MemorySegment piece = arena.allocate(1001);
            file.read(tensor, tensor.byteLength() - 1001, piece);
            assertEquals(-1, whole.asSlice(tensor.byteLength() - 1001).mismatch(piece));
            float[] floats = file.readFloats(tensor.name());
            assertEquals(4096 * 256, floats.length);
            int last = whole.get(ValueLayout.JAVA_SHORT, tensor.byteLength() - 2) << 16;
            assertEquals(Float.intBitsToFloat(last), floats[floats.length - 1]);
        }
    }

    @Test
    void refusesBytesOutsideTheTensorAndTensorsOfOtherFiles() throws IOException {
        Path path = write("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        Path other = directory.resolve("other.safetensors");
        Files.copy(path, other);
        try (SafetensorsFile file = SafetensorsFile.open(path);
                SafetensorsFile second = SafetensorsFile.open(other)) {
            TensorInfo tensor = file.require("a");
            MemorySegment four = MemorySegment.ofArray(new byte[4]);
            assertThrows(IllegalArgumentException.class, () -> file.read(tensor, 5, four));
            assertThrows(IllegalArgumentException.class, () -> file.read(tensor, -1, four));
            assertThrows(IllegalArgumentException.class, () -> file.read(tensor, Long.MAX_VALUE, four));
            assertThrows(IllegalArgumentException.class, () -> second.read(tensor, 0, four));
        }
    }

    @Test
    void saysWhereAFileEndsThatWasCutAfterItWasOpened() throws IOException {
        Path path = write("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(Files.size(path) - 3);
            }
            MalformedModelException failure = assertThrows(MalformedModelException.class, () -> file.readFloats("a"));
            assertEquals(path + ": tensor a: expected 8 bytes, file ends after 5", failure.getMessage());
        }
    }

    @Test
    void keepsTensorsThatTheEngineCannotComputeWithUntilTheyAreAskedFor() throws IOException {
        Path path = write("""
                {"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},
                 "bytes":{"dtype":"U8","shape":[5],"data_offsets":[3,8]},
                 "ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},
                 "packed":{"dtype":"F4","shape":[2,2],"data_offsets":[16,18]},
                 "scalar":{"dtype":"F16","shape":[],"data_offsets":[18,20]},
                 "empty":{"dtype":"F32","shape":[0,7],"data_offsets":[20,20]}}""", 20);
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertEquals(List.of("scalar", "empty"), List.copyOf(file.tensors().keySet()));
            assertEquals(6, file.rawTensors().size());
            byte[] bytes = new byte[5];
            file.read(file.requireRaw("bytes"), 0, MemorySegment.ofArray(bytes));
            assertEquals(List.of(3, 7), List.of((int) bytes[0], (int) bytes[4]));
            assertEquals(0, file.readFloats("empty").length);
            assertEquals(1, file.readFloats("scalar").length);
            MalformedModelException failure = assertThrows(MalformedModelException.class, () -> file.readFloats("ids"));
            assertEquals(
                    path + ": tensor ids: dtype: expected one of " + DType.names() + ", found I64",
                    failure.getMessage());
        }
    }

    @Nested
    class RefusesToOpen {
        @Test
        void aMissingFile() {
            Path path = directory.resolve("none.safetensors");
            assertEquals(path + ": no such file", message(path));
        }

        @Test
        void aDirectory() {
            assertTrue(message(directory).startsWith(directory + ": expected a safetensors file, found"));
        }

        @Test
        void aFileTooShortForALength() throws IOException {
            Path path = Files.write(directory.resolve("short.safetensors"), new byte[7]);
            assertEquals(path + ": size: expected at least 8 bytes, found 7", message(path));
        }

        @Test
        void aHeaderLengthOfZeroOrAboveTheLimit() throws IOException {
            assertRefused(writeRaw(0, "{}", 0), "header length: expected 1 to 100000000 bytes, found 0");
            assertRefused(writeRaw(100_000_001, "{}", 0), "found 100000001");
            assertRefused(writeRaw(-1, "{}", 0), "found 18446744073709551615");
        }

        @Test
        void aHeaderLongerThanTheFile() throws IOException {
            assertRefused(writeRaw(3, "{}", 0), "header: expected 3 bytes, file ends after 2");
        }

        @Test
        void aPointerOfGitLfs() throws IOException {
            Path path = Files.writeString(
                    directory.resolve("lfs.safetensors"), "version https://git-lfs.github.com/spec/v1\noid 1\n");
            assertRefused(path, "found a Git LFS pointer; fetch the weights with \"git lfs pull\"");
        }

        @Test
        void aHeaderThatIsNoObject() throws IOException {
            assertRefused(write("[1]", 0), "header: expected JSON that starts with {, found byte 0x5b");
            assertRefused(write("{\"a\":", 0), "not a JSON object: ");
            assertRefused(write("{} {}", 0), "more follows after its closing brace");
            assertRefused(write("{\"\u0000", 0), "not a JSON object: ");
        }

        @Test
        void aHeaderThatNamesATensorTwice() throws IOException {
            String tensor = "\"twice\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";
            assertRefused(write("{" + tensor + "," + tensor + "}", 4), "twice");
        }

        @Test
        void metadataOtherThanStrings() throws IOException {
            assertRefused(write("{\"__metadata__\":{\"n\":1}}", 0), "__metadata__.n: expected a string, found 1");
            assertRefused(write("{\"__metadata__\":[]}", 0), "__metadata__: expected an object, found []");
        }

        @Test
        void anEntryWithFieldsMissingOrOfAnotherType() throws IOException {
            assertRefused(write("{\"a\":null}", 0), "a: expected an object, found nothing");
            assertRefused(write("{\"a\":{}}", 0), "a.dtype: expected a string, found nothing");
            assertRefused(
                    write("{\"a\":{\"dtype\":\"U8\"}}", 0), "a.shape: expected a list of integers, found nothing");
            assertRefused(
                    entry("U8", "[1.5]", "[0,1]"), "a.shape: expected a list of integers of 64 bits, found [1.5]");
            assertRefused(entry("U8", "[99999999999999999999]", "[0,1]"), "a.shape: expected a list of integers");
            assertRefused(entry("U8", "[1]", "[0,null]"), "a.data_offsets: expected a list of integers");
        }

        @Test
        void anUnknownDtype() throws IOException {
            assertRefused(entry("F33", "[1]", "[0,4]"), "a.dtype: expected one of F32, F16, BF16, ");
        }

        @Test
        void aShapeThatIsNegativeOrTooLarge() throws IOException {
            assertRefused(entry("U8", "[-1]", "[0,1]"), "a.shape: expected no negative dimension, found [-1]");
            assertRefused(entry("U8", "[4294967296,4294967296]", "[0,1]"), "found [4294967296, 4294967296]");
            assertRefused(entry("F64", "[2305843009213693952]", "[0,1]"), "expected whole bytes of F64");
            assertRefused(entry("F4", "[3]", "[0,1]"), "a.shape: expected whole bytes of F4");
        }

        @Test
        void offsetsThatAreNotARange() throws IOException {
            assertRefused(entry("U8", "[1]", "[0]"), "expected [begin, end] with 0 <= begin <= end, found [0]");
            assertRefused(entry("U8", "[1]", "[2,1]"), "found [2, 1]");
            assertRefused(entry("U8", "[1]", "[-1,0]"), "found [-1, 0]");
        }

        @Test
        void aLengthThatIsNotTheShapes() throws IOException {
            assertRefused(entry("F32", "[2]", "[0,4]"), "a.data_offsets: expected 8 bytes for F32 [2], found 4 bytes");
        }

        @Test
        void aTensorThatEndsAfterTheFile() throws IOException {
            assertRefused(
                    entry("U8", "[5]", "[0,5]"), "tensor a: expected to end at byte 5 of the data, file ends after 4");
            assertRefused(entry("U8", "[0]", "[9223372036854775807,9223372036854775807]"), "file ends after 4");
        }

        @Test
        void tensorsThatOverlap() throws IOException {
            Path path = write("""
                    {"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]},
                     "a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 4);
            assertRefused(path, "tensor b: data_offsets: expected no overlap with tensor a, found 1 bytes in common");
        }

        @Test
        void bytesThatBelongToNoTensor() throws IOException {
            assertRefused(
                    entry("U8", "[2]", "[0,2]"),
                    "data: expected no bytes outside the tensors, found 2 bytes after tensor a");
            assertRefused(entry("U8", "[2]", "[2,4]"), "found 2 bytes after the header");
        }

        private Path entry(String dtype, String shape, String offsets) throws IOException {
            return write(
                    "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}".formatted(dtype, shape, offsets), 4);
        }

        private void assertRefused(Path path, String expected) {
            String message = message(path);
            assertTrue(message.startsWith(path + ": ") && message.contains(expected), message);
            assertFalse(message.contains("\n"), message);
        }

        private String message(Path path) {
            MalformedModelException failure = assertThrows(
                    MalformedModelException.class,
                    () -> SafetensorsFile.open(path).close());
            return String.valueOf(failure.getMessage());
        }
    }

    private Path write(String header, int dataBytes) throws IOException {
        return writeRaw(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    }

    /// Writes a header and data bytes 0, 1, 2, ….
    private Path writeRaw(long length, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(length).put(json);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        return Files.write(directory.resolve("bad.safetensors"), bytes.array());
    }
}
