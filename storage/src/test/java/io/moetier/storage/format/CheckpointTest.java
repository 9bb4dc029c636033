package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.SafetensorsWriter.Entry;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void opensEveryGoldenCase() {
        for (String name : TestData.GOLDEN_CASES) {
            try (Checkpoint checkpoint = Checkpoint.open(TestData.golden(name))) {
                assertEquals(name, checkpoint.name());
                assertFalse(checkpoint.config().requireString("model_type").isEmpty());
                assertTrue(checkpoint.totalBytes() > 0);
                assertFalse(checkpoint.has("logits"));
            }
        }
    }

    @Test
    void readsATensorOfTheShapeThatTheConfigurationSays() {
        try (Checkpoint checkpoint = Checkpoint.open(TestData.golden("mixtral"))) {
            int vocabSize = checkpoint.config().requireInt("vocab_size");
            int hiddenSize = checkpoint.config().requireInt("hidden_size");
            TensorInfo embedding = checkpoint.require("model.embed_tokens.weight", vocabSize, hiddenSize);
            assertEquals(vocabSize * hiddenSize, checkpoint.readFloats(embedding).length);
        }
    }

    @Test
    void readsATrainedModelWithWhatLiesBesideIt() {
        try (Checkpoint checkpoint = Checkpoint.open(TestData.tinyMixtral())) {
            assertEquals(30536920 - 8 - 53968, checkpoint.totalBytes());
            assertTrue(checkpoint.file("generation_config.json").isPresent());
            assertEquals(
                    List.of("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "generation_config.json"),
                    checkpoint.companions().stream()
                            .map(CheckpointTest::fileName)
                            .toList());
            assertTrue(checkpoint.file("chat_template.jinja").isEmpty());
            assertThrows(IllegalArgumentException.class, () -> checkpoint.file("../README.md"));
        }
    }

    @Test
    void readsTensorsFromEachShardOfAShardedModel() throws IOException {
        Path sharded = TestData.golden("mixtral_sharded");
        JsonObject index = Json.readObject(sharded.resolve(CheckpointFiles.INDEX));
        JsonObject weightMap = index.requireObject("weight_map");
        try (Checkpoint checkpoint = Checkpoint.open(sharded);
                Checkpoint byShard = Checkpoint.open(sharded.resolve("model-00002-of-00003.safetensors"))) {
            assertEquals(weightMap.keys().size(), checkpoint.tensors().size());
            assertEquals(index.requireObject("metadata").requireLong("total_size"), checkpoint.totalBytes());
            assertEquals(checkpoint.tensors().keySet(), byShard.tensors().keySet());
            assertEquals(checkpoint.fingerprint(), byShard.fingerprint());
            for (TensorInfo tensor : checkpoint.tensors().values()) {
                assertEquals(weightMap.requireString(tensor.name()), fileName(tensor.file()));
                try (SafetensorsFile shard = SafetensorsFile.open(tensor.file())) {
                    assertArrayEquals(shard.readFloats(tensor.name()), checkpoint.readFloats(tensor));
                }
            }
        }
    }

    @Test
    void readsBytesIntoTheCallersMemory() throws IOException {
        config();
        weights("model.safetensors", "a");
        try (Checkpoint checkpoint = Checkpoint.open(directory);
                Arena arena = Arena.ofShared()) {
            TensorInfo tensor = checkpoint.require("a", 2);
            MemorySegment last = arena.allocate(4);
            checkpoint.read(tensor, 4, last);
            assertEquals(2f, last.get(ValueLayout.JAVA_FLOAT, 0));
            TensorInfo foreign = new TensorInfo("a", DType.F32, List.of(2L), Path.of("elsewhere"), 0, 8);
            assertThrows(IllegalArgumentException.class, () -> checkpoint.read(foreign, 0, last));
        }
    }

    @Test
    void opensASingleFileOfAnyNameAndOneNamedByItself() throws IOException {
        config();
        Path first = weights("only.safetensors", "a");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertTrue(checkpoint.has("a"));
        }
        weights("other.safetensors", "b");
        assertRefused(directory, "found only.safetensors, other.safetensors; name the one to use");
        try (Checkpoint checkpoint = Checkpoint.open(first)) {
            assertTrue(checkpoint.has("a") && !checkpoint.has("b"));
        }
    }

    @Test
    void namesACheckpointInTheHubsCacheByItsRepository() throws IOException {
        Path snapshot = Files.createDirectories(directory.resolve("models--some-lab--Model-8x7B/snapshots/0123abcd"));
        Path blobs = Files.createDirectories(directory.resolve("models--some-lab--Model-8x7B/blobs"));
        config();
        Files.move(directory.resolve("config.json"), blobs.resolve("c"));
        Files.move(weights("w", "a"), blobs.resolve("w"));
        Files.createSymbolicLink(snapshot.resolve("config.json"), Path.of("../../blobs/c"));
        Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/w"));
        try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
            assertEquals("Model-8x7B", checkpoint.name());
            assertTrue(checkpoint.has("a"));
        }
    }

    @Test
    void keepsItsFingerprintUntilAFileChanges() throws IOException {
        config();
        Path weights = weights("model.safetensors", "a");
        String before = fingerprint();
        assertEquals(before, fingerprint());
        Files.writeString(directory.resolve("README.md"), "not part of the model");
        assertEquals(before, fingerprint());
        Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000));
        String touched = fingerprint();
        assertNotEquals(before, touched);
        Files.writeString(directory.resolve("tokenizer.json"), "{}");
        assertNotEquals(touched, fingerprint());
    }

    @Nested
    class Refuses {
        @Test
        void aPathThatLeadsNowhere() {
            Path path = directory.resolve("nowhere");
            assertRefused(path, "nowhere: no such file or directory");
        }

        @Test
        void aPathThatCannotBeFollowedAsThat() throws IOException {
            Path path = Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
            assertRefused(path, "loop: Too many levels of symbolic links");
        }

        @Test
        void aDirectoryWithoutAConfiguration() throws IOException {
            weights("model.safetensors", "a");
            assertRefused(directory, "expected a checkpoint with config.json, found a directory without it");
            assertRefused(directory.resolve("model.safetensors"), "expected a checkpoint with config.json");
        }

        @Test
        void ggufFilesWhereverTheyAre() throws IOException {
            Path gguf = Files.writeString(directory.resolve("model.Q4.gguf"), "GGUF");
            assertRefused(gguf, "found a file of another kind");
            assertRefused(directory, "; to use model.Q4.gguf, which is there, name that file");
            config();
            assertRefused(directory, "found model.Q4.gguf; to use it, name that file");
        }

        @Test
        void otherFiles() throws IOException {
            config();
            assertRefused(directory.resolve("config.json"), "a checkpoint directory or a .safetensors or .gguf file");
        }

        @Test
        void aDirectoryWithoutWeights() throws IOException {
            config();
            assertRefused(
                    directory,
                    "weights: expected model.safetensors.index.json, model.safetensors or a single *.safetensors,"
                            + " found none");
            Files.writeString(directory.resolve("pytorch_model.bin"), "");
            assertRefused(directory, "found pytorch_model.bin, which is not supported");
        }

        @Test
        void aMissingShard() throws IOException {
            config();
            weights("x.safetensors", "a");
            Path index = index("{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}}");
            assertRefused(
                    directory,
                    index + ": weight_map: expected the file y.safetensors in the same directory, found no such file;"
                            + " 1 of 2 shards are missing");
        }

        @Test
        void anIndexThatNamesAFileOutsideTheDirectory() throws IOException {
            config();
            for (String name :
                    List.of("../x.safetensors", "/etc/passwd", "..", ".", "", "a\\\\b", "sub/x", "x\\u0000")) {
                Path index = index("{\"weight_map\":{\"a\":\"" + name + "\"}}");
                assertRefused(
                        directory,
                        index + ": weight_map.a: expected the name of a file in the directory of the index, found ");
            }
        }

        @Test
        void anIndexWithoutTensors() throws IOException {
            config();
            Path index = index("{\"weight_map\":{}}");
            assertRefused(directory, index + ": weight_map: expected at least one tensor, found none");
            index("{}");
            assertRefused(directory, index + ": weight_map: expected an object, found nothing");
            index("{\"weight_map\":{\"a\":7}}");
            assertRefused(directory, index + ": weight_map.a: expected a string, found 7");
        }

        @Test
        void aTensorThatIsNotInTheShardTheIndexNames() throws IOException {
            config();
            weights("x.safetensors", "a");
            Path y = weights("y.safetensors", "b");
            index("{\"weight_map\":{\"a\":\"y.safetensors\",\"b\":\"y.safetensors\",\"c\":\"x.safetensors\"}}");
            assertRefused(
                    directory,
                    y + ": tensor a: expected to be here according to model.safetensors.index.json, found no such");
        }

        @Test
        void aTruncatedShard() throws IOException {
            Path golden = TestData.golden("mixtral_sharded");
            try (Stream<Path> files = Files.list(golden)) {
                for (Path file : files.toList()) {
                    Files.copy(file, directory.resolve(fileName(file)));
                }
            }
            Path shard = directory.resolve("model-00002-of-00003.safetensors");
            byte[] bytes = Files.readAllBytes(shard);
            Files.write(shard, Arrays.copyOf(bytes, bytes.length / 2));
            assertRefused(directory, shard + ": tensor ");
        }

        @Test
        void aTensorThatIsMissingOrOfAnotherShapeOrDtype() throws IOException {
            config();
            Path file = directory.resolve("model.safetensors");
            List<Entry> entries = List.of(Entry.of("a", "F32", 2, 1), Entry.of("ids", "I64", 1));
            try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries, Map.of())) {
                writer.write("a", new float[2]);
                writer.write("ids", MemorySegment.ofArray(new byte[8]));
            }
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                assertEquals(
                        file + ": tensor a: expected shape [1, 2], found [2, 1]",
                        refusal(() -> checkpoint.require("a", 1, 2)));
                assertEquals(
                        file + ": tensor b: expected shape [3], found no such tensor",
                        refusal(() -> checkpoint.require("b", 3)));
                assertEquals(
                        file + ": tensor ids: dtype: expected one of " + DType.names() + ", found I64",
                        refusal(() -> checkpoint.require("ids", 1)));
                assertTrue(checkpoint.has("ids") && !checkpoint.tensors().containsKey("ids"));
            }
        }
    }

    /// They look like those of a damaged download: GPTQ, AWQ and compressed-tensors have other names, bitsandbytes, MLX
    /// and NVFP4 whole numbers in other shapes.
    @Test
    void weightsThatAnotherProgramQuantisedAreCalledSo() throws IOException {
        Path file = directory.resolve("model.safetensors");
        List<Entry> entries =
                List.of(Entry.of("norm", "F32", 1), Entry.of("a.qweight", "I32", 1, 2), Entry.of("b.weight", "U8", 2));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries, Map.of())) {
            writer.write("norm", new float[1]);
            writer.write("a.qweight", MemorySegment.ofArray(new byte[8]));
            writer.write("b.weight", MemorySegment.ofArray(new byte[2]));
        }
        Files.writeString(directory.resolve("config.json"), "{\"quantization_config\":{\"quant_method\":\"gptq\"}}");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertEquals(
                    file + ": tensor a.weight: expected a weight that is read, found a.qweight, quantised by gptq",
                    refusal(() -> checkpoint.require("a.weight", 8, 2)));
            assertEquals(
                    file + ": tensor b.weight: expected a weight that is read, found U8 [2], quantised by gptq",
                    refusal(() -> checkpoint.require("b.weight", 2, 2)));
            assertEquals(1, checkpoint.require("norm", 1).numElements());
            assertEquals(2, checkpoint.requireBytes("b.weight", 2).byteLength());
        }
        Files.writeString(directory.resolve("config.json"), "{\"text_config\":{\"quantization_config\":{}}}");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertTrue(refusal(() -> checkpoint.require("a.weight", 8, 2)).endsWith("quantised by another program"));
        }
    }

    /// Before there are weights: DeepSeek-V4's whole numbers are read, and so is what compressed-tensors has in FP8.
    @Test
    void aHeaderTellsThatAnotherProgramQuantised() {
        assertEquals(
                directory + ": tensor a.weight: expected a weight that is read, found one quantised by modelopt",
                refusal(() -> requireUnquantised("modelopt", "a.weight", "U8")));
        assertTrue(refusal(() -> requireUnquantised("compressed-tensors", "a.weight_packed", "I32"))
                .endsWith(
                        "a.weight_packed: expected a weight that is read, found one quantised by compressed-tensors"));
        requireUnquantised("compressed-tensors", "a.weight", "F8_E4M3");
        requireUnquantised("fp8", "a.weight", "I8");
        requireUnquantised("mxfp4", "a_blocks", "U8");
    }

    private Object requireUnquantised(String method, String tensor, String dtype) {
        String config = "{\"quantization_config\":{\"quant_method\":\"" + method + "\"}}";
        String header = "{\"" + tensor + "\":{\"dtype\":\"" + dtype + "\"},\"__metadata__\":{\"format\":\"pt\"}}";
        Checkpoint.requireUnquantised(json(config), json(header));
        return directory;
    }

    private JsonObject json(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), directory);
    }

    @Test
    void wholeNumbersAreReadAsFloatsThatAreThem() throws IOException {
        config();
        Path file = directory.resolve("model.safetensors");
        List<Entry> entries =
                List.of(Entry.of("a", "F32", 1), Entry.of("long", "I64", 2, 1), Entry.of("int", "I32", 3));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries, Map.of())) {
            writer.write("a", new float[1]);
            writer.write("long", littleEndian(7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0));
            writer.write("int", littleEndian(-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1));
        }
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertArrayEquals(
                    new float[] {-1, 0, 1 << 24}, checkpoint.readIntegers(checkpoint.requireIntegers("int", 3)));
            assertEquals(
                    file + ": tensor long: expected whole numbers that 32-bit floats hold, found 16777217",
                    refusal(() -> checkpoint.readIntegers(checkpoint.requireIntegers("long", 2, 1))));
            assertEquals(
                    file + ": tensor a: dtype: expected I64 or I32, found F32",
                    refusal(() -> checkpoint.requireIntegers("a", 1)));
        }
    }

    private static MemorySegment littleEndian(int... bytes) {
        byte[] written = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            written[i] = (byte) bytes[i];
        }
        return MemorySegment.ofArray(written);
    }

    private static void assertRefused(Path path, String expected) {
        String message = refusal(() -> Checkpoint.open(path).close());
        assertTrue(message.contains(expected), message);
    }

    private static String refusal(Executable action) {
        return String.valueOf(
                assertThrows(MalformedModelException.class, action).getMessage());
    }

    private void config() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"mixtral\"}");
    }

    private Path index(String json) throws IOException {
        return Files.writeString(directory.resolve(CheckpointFiles.INDEX), json);
    }

    private Path weights(String fileName, String tensor) throws IOException {
        Path file = directory.resolve(fileName);
        List<Entry> entries = List.of(Entry.of(tensor, "F32", 2));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries, Map.of())) {
            writer.write(tensor, new float[] {1, 2});
        }
        return file;
    }

    private String fingerprint() {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            return checkpoint.fingerprint();
        }
    }

    private static String fileName(Path file) {
        return String.valueOf(file.getFileName());
    }
}
