package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.SafetensorsWriter.Entry;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Seeds;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void readsBackWhatWasWrittenWithAlignedData() throws IOException {
        Path path = directory.resolve("out.safetensors");
        float[] logits = {1.5f, -0f, Float.NaN, Float.MIN_VALUE, 5, 6};
        byte[] bytes = {1, 2, 3, 4, 5};
        Map<String, String> metadata = Map.of("größe", "\"1\" \n");
        List<Entry> entries =
                List.of(Entry.of("logits", "F32", 2, 3), Entry.of("none", "F32", 0), Entry.of("bytes ✓", "U8", 5));
        try (SafetensorsWriter writer = SafetensorsWriter.create(path, entries, metadata)) {
            writer.write("logits", new float[] {1.5f, -0f, Float.NaN});
            writer.write("logits", new float[] {Float.MIN_VALUE, 5, 6});
            writer.write("bytes ✓", MemorySegment.ofArray(bytes));
            writer.sync();
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertEquals(metadata, file.metadata());
            assertEquals(0, file.require("logits").offset() % 64);
            assertArrayEquals(logits, file.readFloats("logits"));
            byte[] read = new byte[5];
            file.read(file.requireRaw("bytes ✓"), 0, MemorySegment.ofArray(read));
            assertArrayEquals(bytes, read);
        }
    }

    @Test
    void writesMoreThanOneBufferOfEitherKind() throws IOException {
        Path path = directory.resolve("large.safetensors");
        Random random = new Random(7);
        float[] floats = new float[(1 << 18) + 77];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = random.nextFloat();
        }
        List<Entry> entries = List.of(Entry.of("a", "F32", floats.length), Entry.of("b", "F32", floats.length));
        try (SafetensorsWriter writer = SafetensorsWriter.create(path, entries, Map.of());
                Arena arena = Arena.ofConfined()) {
            writer.write("a", floats);
            writer.write("b", arena.allocateFrom(ValueLayout.JAVA_FLOAT, floats));
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertArrayEquals(floats, file.readFloats("a"));
            assertArrayEquals(floats, file.readFloats("b"));
        }
    }

    @Test
    void anyShapesMakeASoundFile() throws IOException {
        for (List<List<Long>> shapes : List.of(
                List.<List<Long>>of(),
                List.of(List.<Long>of()),
                List.of(List.of(0L), List.of(4L, 0L, 4L)),
                Collections.nCopies(6, List.of(4L, 4L, 4L)))) {
            writeAndReadBack(shapes);
        }
        Seeds.each(
                100,
                (_, random) -> writeAndReadBack(Stream.generate(() -> shape(random))
                        .limit(random.nextInt(7))
                        .toList()));
    }

    private static List<Long> shape(SplittableRandom random) {
        return random.longs(random.nextInt(4), 0, 5).boxed().toList();
    }

    private void writeAndReadBack(List<List<Long>> shapes) throws IOException {
        Path path = directory.resolve("shapes.safetensors");
        List<Entry> entries = new ArrayList<>();
        shapes.forEach(shape -> entries.add(new Entry("t" + entries.size(), "F32", shape)));
        try (SafetensorsWriter writer = SafetensorsWriter.create(path, entries, Map.of())) {
            for (Entry entry : entries) {
                writer.write(entry.name(), MemorySegment.ofArray(new byte[(int) entry.byteLength()]));
            }
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertEquals(shapes.size(), file.tensors().size());
            entries.forEach(entry ->
                    assertEquals(entry.shape(), file.require(entry.name()).shape()));
        }
    }

    @Test
    void closingTooEarlyNamesTheTensorAndLeavesAFileThatIsRefused() throws IOException {
        Path path = directory.resolve("part.safetensors");
        SafetensorsWriter writer =
                SafetensorsWriter.create(path, List.of(Entry.of("a", "U8", 2), Entry.of("b", "U8", 2)), Map.of());
        writer.write("a", MemorySegment.ofArray(new byte[2]));
        writer.write("b", MemorySegment.ofArray(new byte[1]));
        IllegalStateException failure = assertThrows(IllegalStateException.class, writer::close);
        assertEquals(path + ": tensor b: expected 2 bytes to be written, found 1", failure.getMessage());
        assertThrows(
                MalformedModelException.class, () -> SafetensorsFile.open(path).close());
        writer.close();
    }

    @Test
    void refusesTensorsOutOfTurnAndTooLong() throws IOException {
        Path path = directory.resolve("order.safetensors");
        SafetensorsWriter writer =
                SafetensorsWriter.create(path, List.of(Entry.of("a", "U8", 4), Entry.of("b", "F32", 1)), Map.of());
        MemorySegment four = MemorySegment.ofArray(new byte[4]);
        assertThrows(IllegalStateException.class, () -> writer.write("b", four));
        assertThrows(IllegalArgumentException.class, () -> writer.write("a", new float[1]));
        assertThrows(IllegalArgumentException.class, () -> writer.write("a", MemorySegment.ofArray(new byte[5])));
        writer.write("a", four);
        writer.write("b", new float[1]);
        IllegalStateException failure = assertThrows(IllegalStateException.class, () -> writer.write("c", four));
        assertEquals(path + ": expected to write no more next, found c", failure.getMessage());
        writer.close();
    }

    @Test
    void refusesEntriesTheFormatHasNot() {
        assertThrows(IllegalArgumentException.class, () -> Entry.of("__metadata__", "U8", 1));
        assertThrows(IllegalArgumentException.class, () -> Entry.of("a", "Q8_0", 1));
        assertThrows(IllegalArgumentException.class, () -> Entry.of("a", "F32", -1));
        assertThrows(IllegalArgumentException.class, () -> Entry.of("a", "F32", Long.MAX_VALUE));
        assertThrows(
                IllegalArgumentException.class,
                () -> SafetensorsWriter.create(
                        directory.resolve("twice"), List.of(Entry.of("a", "U8", 1), Entry.of("a", "U8", 1)), Map.of()));
    }

    @Test
    void namesAFileThatCannotBeCreated() {
        Path path = directory.resolve("none/out.safetensors");
        IOException failure =
                assertThrows(IOException.class, () -> SafetensorsWriter.create(path, List.of(), Map.of()));
        assertEquals(path + ": cannot be created: no such file or directory", failure.getMessage());
    }

    @Test
    void namesAFileOnAFullDisk() throws IOException {
        Path full = Path.of("/dev/full");
        if (!Files.exists(full)) {
            return; // only Linux has a disk that is always full
        }
        IOException failure = assertThrows(
                IOException.class, () -> SafetensorsWriter.create(full, List.of(Entry.of("a", "U8", 1)), Map.of()));
        assertTrue(String.valueOf(failure.getMessage()).startsWith("/dev/full: cannot be written: "));
    }
}
