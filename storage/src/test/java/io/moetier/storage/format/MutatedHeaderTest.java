package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import io.moetier.testdata.Seeds;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Damaged headers are refused in words: no other exception, no exhausted memory.
class MutatedHeaderTest {
    private static final String SECOND = "model.layers.0.mlp.gate.weight";
    private static final byte[] AWKWARD = {0, 1, -1, Byte.MAX_VALUE, Byte.MIN_VALUE};
    private static final byte[] PUNCTUATION = "0123456789-[]{},".getBytes(StandardCharsets.US_ASCII);

    @TempDir
    static Path directory = Path.of("");

    private static byte[] sound = {};

    @BeforeAll
    static void writeASoundFile() throws IOException {
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

    @Test
    void changedBytesAreRefusedOrRead() throws IOException {
        Seeds.each(1000, (_, random) -> {
            byte[] damaged = sound.clone();
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            readEverythingOrBeRefused(damaged);
        });
        replaceEachByte(0, AWKWARD);
    }

    @Test
    void exchangedDigitsAndQuotesAreRefusedOrRead() throws IOException {
        replaceEachByte(SafetensorsHeader.LENGTH_BYTES, PUNCTUATION);
    }

    private static void replaceEachByte(int start, byte[] replacements) throws IOException {
        for (int position = start; position < sound.length; position++) {
            for (byte replacement : replacements) {
                byte[] damaged = sound.clone();
                damaged[position] = replacement;
                readEverythingOrBeRefused(damaged);
            }
        }
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        for (int length = 0; length < sound.length; length++) {
            assertFalse(readEverythingOrBeRefused(Arrays.copyOf(sound, length)), "cut to " + length + " bytes");
        }
    }

    @Test
    void aDamagedIndexIsRefusedOrRead() throws IOException {
        Files.write(directory.resolve("sound.safetensors"), sound);
        Files.writeString(directory.resolve("config.json"), "{}");
        byte[] index = "{\"weight_map\":{\"a\":\"sound.safetensors\",\"raw\":\"sound.safetensors\"}}"
                .getBytes(StandardCharsets.UTF_8);
        Seeds.each(500, (_, random) -> {
            byte[] damaged = index.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            openOrBeRefused(damaged);
        });
        for (int place = 0; place < index.length; place++) {
            openOrBeRefused(Arrays.copyOf(index, place));
            for (byte awkward : AWKWARD) {
                byte[] damaged = index.clone();
                damaged[place] = awkward;
                openOrBeRefused(damaged);
            }
        }
    }

    private static void openOrBeRefused(byte[] index) throws IOException {
        Fuzzing.write(directory.resolve(CheckpointFiles.INDEX), index);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertTrue(checkpoint.totalBytes() > 0);
        } catch (MalformedModelException e) {
            assertNamesAFile(e);
        }
    }

    @Test
    void noDigitOfAGoldenHeaderCanChangeUnnoticed() throws IOException {
        byte[] golden = Files.readAllBytes(TestData.golden("mixtral").resolve("model.safetensors"));
        int[] digits = IntStream.range(8, 8 + 7424)
                .filter(position -> golden[position] >= '0' && golden[position] <= '8')
                .filter(position -> insideOffsets(golden, position))
                .toArray();
        Seeds.each(200, (seed, random) -> {
            byte[] damaged = golden.clone();
            damaged[digits[seed == 0 ? 0 : seed == 1 ? digits.length - 1 : random.nextInt(digits.length)]]++;
            assertFalse(readEverythingOrBeRefused(damaged));
        });
    }

    private static boolean insideOffsets(byte[] bytes, int position) {
        int start = position;
        while (bytes[start] != '[' && bytes[start] != '"') {
            start--;
        }
        return bytes[start] == '[' && bytes[start - 3] == 's' && bytes[start - 4] == 't';
    }

    private static boolean readEverythingOrBeRefused(byte[] bytes) throws IOException {
        Path path = directory.resolve("damaged.safetensors");
        Fuzzing.write(path, bytes);
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
