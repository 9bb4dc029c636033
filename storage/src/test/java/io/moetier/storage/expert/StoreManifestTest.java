package io.moetier.storage.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreManifestTest {
    private static final List<StoreManifest.StoreFile> FILES = List.of(
            new StoreManifest.StoreFile("config.json", 20, 0xdeadbeef),
            new StoreManifest.StoreFile("experts-0.cm3", 40_960, 7));
    private static final List<StoreManifest.SizeClass> SIZE_CLASSES = List.of(new StoreManifest.SizeClass(
            "experts-0.cm3",
            BlockLayout.EMPTY.with("gate", DType.BF16, 5, 10, 100).with("up", DType.Q8_0, 1, 32, 34)));
    private static final List<StoreManifest.Entry> EXPERTS = List.of(
            new StoreManifest.Entry(new ExpertId(1, 2), 0, 8192, -5),
            new StoreManifest.Entry(new ExpertId(1, 3), 0, 4096, 5));

    @TempDir
    private Path directory;

    @Test
    void readsWhatItWrote() throws IOException {
        write(StoreManifest.write(Map.of("source", "päth"), FILES, SIZE_CLASSES, EXPERTS));

        StoreManifest manifest = StoreManifest.read(directory);

        assertEquals("päth", manifest.description().requireString("source"));
        assertEquals(FILES, manifest.files());
        assertEquals(SIZE_CLASSES, manifest.sizeClasses());
        assertEquals(EXPERTS, manifest.experts());
        assertEquals(40_980, manifest.totalBytes());
    }

    @Test
    void noticesEveryFlippedBitAndEveryTruncation() {
        byte[] bytes = StoreManifest.write(Map.of(), FILES, SIZE_CLASSES, EXPERTS);
        Path file = Path.of("manifest.json");
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(MalformedModelException.class, () -> StoreManifest.parse(bytes, file), "bit " + bit);
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
        }
        for (int length = 0; length < bytes.length; length++) {
            byte[] shorter = Arrays.copyOf(bytes, length);
            assertThrows(MalformedModelException.class, () -> StoreManifest.parse(shorter, file), "length " + length);
        }
    }

    @Test
    void refusesFilesOutsideTheStoreAndBlocksOutsideTheFile() throws IOException {
        assertRefused("plain names", List.of(new StoreManifest.StoreFile("../x", 1, 1)), List.of(), List.of());
        assertRefused(
                "on pages of experts-0.cm3, found layer 0 expert 0 at 40960",
                FILES,
                SIZE_CLASSES,
                List.of(new StoreManifest.Entry(new ExpertId(0, 0), 0, 40_960, 1)));
        assertRefused(
                "in a size class",
                FILES,
                SIZE_CLASSES,
                List.of(new StoreManifest.Entry(new ExpertId(0, 0), 1, 4096, 1)));
        assertRefused("a listed expert file", List.of(), SIZE_CLASSES, List.of());
    }

    @Test
    void refusesSizesWhoseSumsOverflow() throws IOException {
        StoreManifest.StoreFile large = new StoreManifest.StoreFile("a", Long.MAX_VALUE, 1);
        assertRefused(
                "sizes whose sums fit 64 bits",
                List.of(large, new StoreManifest.StoreFile("b", 1, 1)),
                List.of(),
                List.of());
    }

    @Test
    void saysWhatIsWrongWithForeignFiles() throws IOException {
        assertTrue(refusal().contains("is not an expert store: it has no manifest.json"));
        write("{\"format\": \"other\"}".getBytes(StandardCharsets.UTF_8));
        assertTrue(refusal().contains("is not the manifest of an expert store"));
    }

    @Test
    void aStoreOfAnEarlierVersionIsToBeImportedAgain() throws IOException {
        String manifest =
                new String(StoreManifest.write(Map.of(), FILES, SIZE_CLASSES, List.of()), StandardCharsets.UTF_8);
        String earlier = manifest.replaceFirst("(\"version\" *: *)3", "$12")
                .replaceFirst("[0-9a-f]{8}(\"\\s*}\\s*)$", "00000000$1");
        String checksum = Checksums.hex(Checksums.of(earlier.getBytes(StandardCharsets.UTF_8)));
        write(earlier.replaceFirst("0{8}(\"\\s*}\\s*)$", checksum + "$1").getBytes(StandardCharsets.UTF_8));
        String message = refusal();
        assertTrue(message.endsWith("version: expected 3; import the model again, found 2"), message);
    }

    private void assertRefused(
            String reason,
            List<StoreManifest.StoreFile> files,
            List<StoreManifest.SizeClass> sizeClasses,
            List<StoreManifest.Entry> experts)
            throws IOException {
        write(StoreManifest.write(Map.of(), files, sizeClasses, experts));
        String message = refusal();
        assertTrue(message.contains(reason), message);
    }

    private String refusal() {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> StoreManifest.read(directory))
                .getMessage());
    }

    private void write(byte[] bytes) throws IOException {
        Files.write(directory.resolve("manifest.json"), bytes);
    }
}
