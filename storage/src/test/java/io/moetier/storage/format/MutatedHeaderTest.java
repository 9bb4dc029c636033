package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/// Damaged headers are refused in words: no other exception, no exhausted memory.
class MutatedHeaderTest {
    private static final String SECOND = "model.layers.0.mlp.gate.weight";
    private static Path directory = Path.of("");
    private static byte[] sound = {};

    @BeforeContainer
    static void writeASoundFile() throws IOException {
        directory = Files.createTempDirectory("mutated");
        Path file = directory.resolve("sound.safetensors");
        List<SafetensorsWriter.Entry> entries = List.of(
                SafetensorsWriter.Entry.of("a", "F32", 2, 3),
                SafetensorsWriter.Entry.of(SECOND, "BF16", 5),
                SafetensorsWriter.Entry.of("raw", "U8", 7));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, entries, Map.of("format", "pt"))) {
            writer.write("a", new float[6]);
            writer.write(SECOND, MemorySegment.ofArray(new byte[10]));
            writer.write("raw", MemorySegment.ofArray(new byte[7]));
        }
        sound = Files.readAllBytes(file);
    }

    @AfterContainer
    static void deleteTheFiles() throws IOException {
        for (String name : List.of("sound.safetensors", "damaged.safetensors", CheckpointFiles.INDEX, "config.json")) {
            Files.deleteIfExists(directory.resolve(name));
        }
        Files.delete(directory);
    }

    @Property(tries = 1000, seed = "20261125")
    void changedBytesAreRefusedOrRead(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(max = 100_000) Integer> positions,
            @ForAll @Size(4) List<Byte> values)
            throws IOException {
        byte[] damaged = sound.clone();
        for (int i = 0; i < positions.size(); i++) {
            damaged[positions.get(i) % damaged.length] = values.get(i);
        }
        readEverythingOrBeRefused(damaged);
    }

    @Property(tries = 1000, seed = "20261125")
    void exchangedDigitsAndQuotesAreRefusedOrRead(
            @ForAll @IntRange(max = 100_000) int position, @ForAll @IntRange(max = 15) int replacement)
            throws IOException {
        byte[] damaged = sound.clone();
        damaged[8 + position % (damaged.length - 8)] = (byte) "0123456789-[]{},".charAt(replacement);
        readEverythingOrBeRefused(damaged);
    }

    @Property(tries = 300, seed = "20261125")
    void everyTruncationIsRefused(@ForAll @IntRange(max = 100_000) int length) throws IOException {
        boolean read = readEverythingOrBeRefused(Arrays.copyOf(sound, length % sound.length));
        assertEquals(false, read);
    }

    @Property(tries = 500, seed = "20261125")
    void aDamagedIndexIsRefusedOrRead(
            @ForAll @IntRange(max = 100_000) int position, @ForAll byte value, @ForAll boolean cut) throws IOException {
        Files.write(directory.resolve("sound.safetensors"), sound);
        Files.writeString(directory.resolve("config.json"), "{}");
        byte[] index = "{\"weight_map\":{\"a\":\"sound.safetensors\",\"raw\":\"sound.safetensors\"}}"
                .getBytes(StandardCharsets.UTF_8);
        int place = position % index.length;
        index[place] = value;
        Files.write(directory.resolve(CheckpointFiles.INDEX), cut ? Arrays.copyOf(index, place) : index);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertTrue(checkpoint.totalBytes() > 0);
        } catch (MalformedModelException e) {
            assertNamesAFile(e);
        }
    }

    @Property(tries = 200, seed = "20261125")
    void noDigitOfAGoldenHeaderCanChangeUnnoticed(@ForAll @IntRange(max = 7423) int position) throws IOException {
        byte[] golden = Files.readAllBytes(TestData.golden("mixtral").resolve("model.safetensors"));
        if (golden[8 + position] >= '0' && golden[8 + position] <= '8' && insideOffsets(golden, 8 + position)) {
            golden[8 + position]++;
            assertEquals(false, readEverythingOrBeRefused(golden));
        }
    }

    private static boolean insideOffsets(byte[] bytes, int position) {
        int start = position;
        while (bytes[start] != '[' && bytes[start] != '"') {
            start--;
        }
        return bytes[start] == '[' && bytes[start - 3] == 's' && bytes[start - 4] == 't';
    }

    private static boolean readEverythingOrBeRefused(byte[] bytes) throws IOException {
        Path path = Files.write(directory.resolve("damaged.safetensors"), bytes);
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            file.rawTensors()
                    .values()
                    .forEach(
                            tensor -> file.read(tensor, 0, MemorySegment.ofArray(new byte[(int) tensor.byteLength()])));
            return true;
        } catch (MalformedModelException e) {
            assertNamesAFile(e);
            return false;
        }
    }

    private static void assertNamesAFile(MalformedModelException e) {
        assertTrue(String.valueOf(e.getMessage()).startsWith(directory.toString()), e::getMessage);
    }
}
