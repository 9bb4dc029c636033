package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.ImportedStores;
import io.moetier.runtime.session.Session;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.BlockPart;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.expert.StoreVerifier;
import io.moetier.storage.format.SafetensorsFile;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointImporterTest {
    private static final String EXPERT = "model.layers.1.block_sparse_moe.experts.2.w3.weight";
    private static final int[] PROMPT =
            IntStream.range(0, 12).map(i -> (i * 37 + 11) % 300).toArray();

    @TempDir
    private Path scratch;

    static List<String> goldenCases() {
        return TestData.GOLDEN_CASES;
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void aStoreIsSound(String name) {
        for (Rounding rounding : Rounding.values()) {
            // what is MXFP4 already does not become smaller
            Rounding ofExperts = name.endsWith("mxfp4") ? Rounding.KEEP : rounding;
            Path store = ImportedStores.of(TestData.golden(name), new Quantisation(ofExperts, rounding));
            assertEquals(List.of(), StoreVerifier.verify(store, bytes -> {}));
        }
    }

    @Test
    void progressAddsUpToTheCheckpoint() {
        Path original = TestData.tinyMixtral();
        long[] told = new long[1];
        run(original, store(), bytes -> told[0] += bytes);
        try (ModelSource checkpoint = ModelSource.open(original)) {
            assertEquals(checkpoint.totalBytes(), told[0]);
        }
    }

    @Test
    void moreSpaceIsNeededThanTheStoreTakes() throws IOException {
        Path original = TestData.tinyMixtral();
        run(original, store(), bytes -> {});
        long experts = Files.size(store().resolve("experts-0.cm3"));
        try (ModelSource checkpoint = ModelSource.open(original)) {
            CheckpointImporter importer = importer(checkpoint);
            long more = importer.requiredSpace() - importer.storeBytes();
            assertTrue(more > 0 && more <= experts / 10, more + " beside " + experts);
        }
    }

    @Test
    void aSentencePieceModelBecomesATokenizer() throws IOException {
        Path original = TestData.tinyMixtral();
        Path copy = Files.createDirectory(scratch.resolve("copy"));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json")) {
            Files.copy(original.resolve(name), copy.resolve(name));
        }
        run(copy, store(), bytes -> {});
        assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
        String text = "In 1867 the répondeur said:\n\tx  = 7 * 6; // 東京";
        try (Tokenizer expected = tokenizer(original);
                Tokenizer found = tokenizer(store())) {
            assertArrayEquals(expected.encode(text, true), found.encode(text, true));
        }
    }

    @Test
    void aTiktokenModelBecomesATokenizer() throws IOException {
        Path original = TestData.tinyMixtral();
        Path copy = Files.createDirectory(scratch.resolve("copy"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(original.resolve(name), copy.resolve(name));
        }
        List<String> ranks = new ArrayList<>();
        for (int value = 0; value < 256; value++) {
            ranks.add(Base64.getEncoder().encodeToString(new byte[] {(byte) value}) + " " + value);
        }
        ranks.add("aGU= 256"); // "he"
        Files.write(copy.resolve("tiktoken.model"), ranks);
        Files.writeString(
                copy.resolve("tokenizer_config.json"),
                "{\"tokenizer_class\":\"TikTokenTokenizer\",\"eos_token\":\"[EOS]\","
                        + "\"added_tokens_decoder\":{\"257\":{\"content\":\"[EOS]\",\"special\":true}}}");
        try (ModelSource source = ModelSource.open(copy)) {
            assertEquals(Optional.of("tiktoken.model"), source.tokenizer());
        }
        run(copy, store(), bytes -> {});
        assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
        assertTrue(Files.exists(store().resolve("tiktoken.model")));
        try (Tokenizer found = tokenizer(store())) {
            assertArrayEquals(new int[] {256, 'r', 'e', 257}, found.encode("here[EOS]", true));
            assertEquals(Optional.of(257), found.eosId());
        }
        Files.writeString(copy.resolve("tiktoken.model"), "aGU=");
        assertEquals(
                copy.resolve("tiktoken.model")
                        + ": line 1: expected a token in base64, a blank and its rank, found aGU=",
                assertThrows(MalformedModelException.class, () -> run(copy, store(), bytes -> {}))
                        .getMessage());
    }

    @Test
    void aStoreOfFilesThatNobodyMayWriteHasPermissionsOfItsOwn() throws IOException {
        Path original = TestData.tinyMixtral();
        Path copy = Files.createDirectory(scratch.resolve("copy"));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.copy(original.resolve(name), copy.resolve(name));
            Files.setPosixFilePermissions(copy.resolve(name), PosixFilePermissions.fromString("r--r--r--"));
        }
        run(copy, store(), bytes -> {});
        for (String name : List.of("config.json", "tokenizer.json")) {
            assertEquals(
                    Files.getPosixFilePermissions(store().resolve("dense.safetensors")),
                    Files.getPosixFilePermissions(store().resolve(name)),
                    name);
        }
    }

    @Nested
    class Types {
        @Test
        void routersAndRowsOfBrokenBlocksAreNotQuantised() throws IOException {
            Path checkpoint = mixtral()
                    .config("intermediate_size", 80)
                    .cut(name -> name.endsWith(".w1.weight") || name.endsWith(".w3.weight"), 80, 64)
                    .cut(name -> name.endsWith(".w2.weight"), 64, 80)
                    .write(scratch.resolve("cut"));
            run(checkpoint, store(), Quantisation.Q8_0);
            assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
            assertEquals(List.of(List.of(DType.Q8_0, DType.Q8_0, DType.BF16)), dtypes(store()));
            try (SafetensorsFile dense = SafetensorsFile.open(store().resolve("dense.safetensors"))) {
                Map<String, String> shapes = dense.metadata();
                assertEquals("bf16 8 64", shapes.get("model.layers.0.block_sparse_moe.gate.weight"));
                assertEquals("q8_0 64 64", shapes.get("model.layers.0.self_attn.q_proj.weight"));
            }
            for (float logit : logits(store(), KernelChoice.VECTOR)) {
                assertTrue(Float.isFinite(logit));
            }
        }

        @Test
        void expertsAndTheRestAreRoundedApart() {
            run(TestData.tinyMixtral(), store(), new Quantisation(Rounding.Q4_K, Rounding.Q6_K));
            assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
            assertEquals(List.of(List.of(DType.Q4_K, DType.Q4_K, DType.Q8_0)), dtypes(store()));
            try (SafetensorsFile dense = SafetensorsFile.open(store().resolve("dense.safetensors"))) {
                Map<String, String> shapes = dense.metadata();
                assertEquals("bf16 16 256", shapes.get("model.layers.0.block_sparse_moe.gate.weight"));
                assertEquals("q6_k 128 256", shapes.get("model.layers.0.self_attn.k_proj.weight"));
                assertEquals("q6_k 4096 256", shapes.get("model.embed_tokens.weight"));
            }
        }

        @ParameterizedTest
        @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
        void layersOfDifferentTypesFormSizeClasses(KernelChoice kernels) throws IOException {
            Path checkpoint = mixtral()
                    .convert(name -> name.startsWith("model.layers.1.block_sparse_moe.experts"), "BF16", "F32")
                    .write(scratch.resolve("mixed"));
            run(checkpoint, store(), Quantisation.KEEP);
            assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
            assertEquals(
                    List.of(List.of(DType.BF16, DType.BF16, DType.BF16), List.of(DType.F32, DType.F32, DType.F32)),
                    dtypes(store()));
            assertClose(logits(ImportedStores.of(TestData.golden("mixtral")), kernels), logits(store(), kernels));
        }

        @ParameterizedTest
        @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
        void halfPrecisionComputesAsItsValuesInSinglePrecision(KernelChoice kernels) throws IOException {
            Path half = imported("half", "F16", "F16");
            Path single = imported("single", "F16", "F32");
            assertEquals(List.of(List.of(DType.F16, DType.F16, DType.F16)), dtypes(half));
            assertEquals(List.of(List.of(DType.F32, DType.F32, DType.F32)), dtypes(single));
            assertClose(logits(single, kernels), logits(half, kernels));
        }

        @ParameterizedTest
        @MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
        void singlePrecisionComputesAsTheBfloat16ItCameFrom(KernelChoice kernels) throws IOException {
            Path single = imported("single", "BF16", "F32");
            assertEquals(List.of(List.of(DType.F32, DType.F32, DType.F32)), dtypes(single));
            assertClose(logits(ImportedStores.of(TestData.golden("mixtral")), kernels), logits(single, kernels));
        }

        private Path imported(String name, String roundedTo, String dtype) throws IOException {
            Path checkpoint = mixtral().convert(any -> true, roundedTo, dtype).write(scratch.resolve(name));
            Path store = scratch.resolve(name + ".mtier");
            run(checkpoint, store, Quantisation.KEEP);
            return store;
        }
    }

    @Nested
    class Refusals {
        @Test
        void aMissingMatrix() throws IOException {
            assertRefused(
                    mixtral().remove(EXPERT),
                    "model.safetensors: tensor " + EXPERT + ": expected shape [96, 64], found no such tensor");
        }

        @Test
        void aMissingVectorBeforeAnythingIsWritten() throws IOException {
            assertRefused(
                    mixtral().remove("model.norm.weight"),
                    "model.safetensors: tensor model.norm.weight: expected shape [64], found no such tensor");
        }

        @Test
        void anotherShape() throws IOException {
            assertRefused(
                    mixtral().replace(EXPERT, "BF16", 64L, 96L),
                    "model.safetensors: tensor " + EXPERT + ": expected shape [96, 64], found [64, 96]");
        }

        @Test
        void integerWeights() throws IOException {
            assertRefused(
                    mixtral().replace(EXPERT, "I64", 96L, 64L),
                    "model.safetensors: tensor " + EXPERT + ": dtype: expected one of " + DType.names()
                            + ", found I64");
        }

        @Test
        void expertsOfDifferentTypesInALayer() throws IOException {
            assertRefused(
                    mixtral().convert(EXPERT::equals, "BF16", "F32"),
                    "model.safetensors: layer 1 expert 2: element types: expected [BF16, BF16, BF16] as in the"
                            + " layer's first expert, found [BF16, F32, BF16]");
        }

        @ParameterizedTest
        @ValueSource(strings = {"model.norm.weight", "lm_head.weight", EXPERT})
        void weightsThatAreNotFinite(String name) throws IOException {
            for (int bfloat16 : new int[] {0x7FC0, 0x7F80, 0xFF80}) {
                assertRefused(
                        mixtral().set(name, 63, (short) bfloat16),
                        "model.safetensors: tensor " + name
                                + ": expected finite weights, found some that are NaN or infinite");
            }
        }

        @Test
        void anUnknownFamily() throws IOException {
            assertRefused(
                    mixtral().config("model_type", "bert"),
                    "config.json: model_type: expected a family that `moetier families` lists, found bert; the nearest is"
                            + " mixtral, which knows 13 of its keys");
        }

        @Test
        void aMissingShard() throws IOException {
            Path copy = Files.createDirectory(scratch.resolve("copy"));
            try (Stream<Path> files = Files.list(TestData.golden("mixtral_sharded"))) {
                for (Path file : files.filter(file -> !file.endsWith("model-00002-of-00003.safetensors"))
                        .toList()) {
                    Files.copy(file, copy.resolve(file.getFileName()));
                }
            }
            assertRefused(
                    copy,
                    "model.safetensors.index.json: weight_map: expected the file model-00002-of-00003.safetensors in"
                            + " the same directory, found no such file; 1 of 3 shards are missing");
        }

        private void assertRefused(AlteredCheckpoint checkpoint, String reason) throws IOException {
            assertRefused(checkpoint.write(scratch.resolve("copy")), reason);
        }

        private void assertRefused(Path checkpoint, String reason) throws IOException {
            String message = String.valueOf(
                    assertThrows(MalformedModelException.class, () -> run(checkpoint, store(), Quantisation.KEEP))
                            .getMessage());
            assertEquals(checkpoint.resolve(reason).toString(), message);
            assertEquals(List.of("copy"), names());
        }
    }

    @Nested
    class Targets {
        @Test
        void anExistingOneStaysUnlessToldOtherwise() throws IOException {
            run(TestData.golden("olmoe"), store(), Quantisation.KEEP);
            String message = String.valueOf(assertThrows(
                            UncheckedIOException.class,
                            () -> run(TestData.golden("mixtral"), store(), Quantisation.KEEP))
                    .getMessage());
            assertEquals(store() + " exists already", message);
            assertIsStoreOf("olmoe");
        }

        @Test
        void anImportThatFailsHalfWayLeavesTheOldOne() throws IOException {
            run(TestData.golden("olmoe"), store(), Quantisation.KEEP);
            Path copy = mixtral().write(scratch.resolve("copy"));
            MalformedModelException failure = assertThrows(MalformedModelException.class, () -> {
                try (ModelSource checkpoint = ModelSource.open(copy)) {
                    // the headers have been read and found good; then the file loses its end
                    truncate(copy.resolve("model.safetensors"));
                    importer(checkpoint).run(store(), true, bytes -> {});
                }
            });
            String message = String.valueOf(failure.getMessage());
            assertTrue(
                    message.startsWith(
                            copy.resolve("model.safetensors: tensor model.").toString()),
                    message);
            assertTrue(message.matches(".*: expected \\d+ bytes, file ends after \\d+"), message);
            assertIsStoreOf("olmoe");
            assertEquals(List.of("copy", "store.mtier"), names());
        }

        @Test
        void anInterruptedImportLeavesTheOldOne() throws IOException {
            run(TestData.golden("olmoe"), store(), Quantisation.KEEP);
            try (ModelSource sized = ModelSource.open(TestData.golden("mixtral"))) {
                long bytes = sized.totalBytes();
                for (long after = 0; after <= bytes; after += bytes / 8) {
                    interruptAfter(after);
                    assertIsStoreOf("olmoe");
                    assertEquals(List.of("store.mtier"), names());
                }
            }
        }

        private void interruptAfter(long bytes) {
            long[] read = new long[1];
            try (ModelSource checkpoint = ModelSource.open(TestData.golden("mixtral"))) {
                UncheckedIOException failure = assertThrows(
                        UncheckedIOException.class,
                        () -> importer(checkpoint).run(store(), true, count -> {
                            read[0] += count;
                            if (read[0] >= bytes) {
                                Thread.currentThread().interrupt();
                            }
                        }));
                assertEquals(
                        "the import of " + checkpoint.path() + " was interrupted", failure.getMessage(), "" + bytes);
            } finally {
                assertTrue(Thread.interrupted(), "the flag is kept");
            }
        }

        private void assertIsStoreOf(String golden) throws IOException {
            assertEquals(List.of(), StoreVerifier.verify(store(), bytes -> {}));
            assertEquals(
                    Files.readString(TestData.golden(golden).resolve("config.json")),
                    Files.readString(store().resolve("config.json")));
        }
    }

    private Path store() {
        return scratch.resolve("store.mtier");
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(scratch)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    private static AlteredCheckpoint mixtral() {
        return new AlteredCheckpoint(TestData.golden("mixtral"));
    }

    private static CheckpointImporter importer(ModelSource checkpoint) {
        return new CheckpointImporter(checkpoint, Quantisation.KEEP);
    }

    private static void run(Path checkpoint, Path store, Quantisation quantisation) {
        try (ModelSource opened = ModelSource.open(checkpoint)) {
            new CheckpointImporter(opened, quantisation).run(store, false, bytes -> {});
        }
    }

    private static void run(Path checkpoint, Path store, LongConsumer progress) {
        try (ModelSource opened = ModelSource.open(checkpoint)) {
            importer(opened).run(store, false, progress);
        }
    }

    private static void truncate(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() * 2 / 3);
        }
    }

    private static Tokenizer tokenizer(Path directory) {
        return Tokenizer.open(
                directory.resolve("tokenizer.json"),
                Optional.of(directory.resolve("tokenizer_config.json")),
                Path.of("target", "native"));
    }

    private static List<List<DType>> dtypes(Path store) {
        try (ExpertStore opened = ExpertStore.open(store, IoMode.PREAD)) {
            return opened.layouts().stream()
                    .map(BlockLayout::parts)
                    .map(parts -> parts.stream().map(BlockPart::dtype).toList())
                    .toList();
        }
    }

    /// Returns the logits after every token of the prompt.
    private static float[] logits(Path store, KernelChoice kernels) {
        try (Engine engine =
                        Engine.open(store, EngineConfig.DEFAULT.withThreads(1).withKernels(kernels));
                Session session = engine.newSession()) {
            int vocab = engine.spec().vocabSize();
            float[] all = new float[PROMPT.length * vocab];
            session.prefill(PROMPT, (position, logits) -> System.arraycopy(logits, 0, all, position * vocab, vocab));
            return all;
        }
    }

    /// The same values, but kernels of another type may sum in another order.
    private static void assertClose(float[] expected, float[] found) {
        assertArrayEquals(expected, found, 1e-5f);
    }
}
