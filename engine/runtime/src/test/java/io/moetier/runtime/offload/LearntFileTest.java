package io.moetier.runtime.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.cache.UseEstimator;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LearntFileTest {
    private static final int LAYERS = 2;
    private static final int EXPERTS = 4;

    @TempDir
    Path directory;

    private static UseEstimator estimator(int experts) {
        int[] ids = IntStream.range(0, LAYERS * experts)
                .map(i -> ExpertId.pack(i / experts, i % experts))
                .toArray();
        UseEstimator estimator = new UseEstimator(ids, 3);
        estimator.worth(ids[0]);
        return estimator;
    }

    private static UseEstimator learnt() {
        return learnt(EXPERTS);
    }

    private static UseEstimator learnt(int experts) {
        UseEstimator estimator = estimator(experts);
        for (int i = 0; i < 40; i++) {
            estimator.observe(new int[] {ExpertId.pack(i % LAYERS, i % EXPERTS)}, null, 1);
        }
        return estimator;
    }

    private static ByteBuffer kept(UseEstimator estimator) {
        ByteBuffer kept = ByteBuffer.allocate((int) estimator.keptBytes());
        LearntBytes.keep(estimator, kept);
        return kept.flip();
    }

    private Path written() throws IOException {
        Path file = directory.resolve("x.learnt");
        LearntFile.publish(file, LearntFile.image(77, List.of(learnt())).orElseThrow());
        return file;
    }

    private static String refused(Path file) {
        UseEstimator estimator = estimator(EXPERTS);
        ByteBuffer before = kept(estimator);
        String message = String.valueOf(
                assertThrows(MalformedModelException.class, () -> LearntFile.read(file, List.of(estimator)))
                        .getMessage());
        assertEquals(before, kept(estimator));
        assertTrue(message.startsWith(file + ": "), message);
        return message.substring(file.toString().length() + 2);
    }

    @Test
    void estimatorsOfTheSameExpertsGoOn() throws IOException {
        UseEstimator onDevice = estimator(EXPERTS);
        UseEstimator inMainMemory = estimator(EXPERTS);
        assertEquals(77, LearntFile.read(written(), List.of(onDevice, inMainMemory)));
        assertEquals(kept(learnt()), kept(onDevice));
        assertEquals(kept(learnt()), kept(inMainMemory));
        ByteBuffer one = LearntFile.image(1, List.of(onDevice)).orElseThrow();
        assertEquals(one, LearntFile.image(1, List.of(onDevice, inMainMemory)).orElseThrow());
    }

    @Test
    void theFileAppearsWholeAndAlone() throws IOException {
        Path file = written();
        LearntFile.publish(file, LearntFile.image(78, List.of(learnt())).orElseThrow());
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(file), files.toList());
        }
        assertEquals(78, LearntFile.read(file, List.of(estimator(EXPERTS))));
    }

    @Test
    void nothingLearntIsNothingToKeep() {
        UseEstimator estimator = new UseEstimator(new int[] {0, 1}, 1);
        assertTrue(LearntFile.image(1, List.of(estimator)).isEmpty());
        assertTrue(LearntFile.image(1, List.of()).isEmpty());
    }

    @Test
    void noByteMayDiffer() throws IOException {
        Path file = written();
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < bytes.length; i += i < 40 ? 1 : 97) {
            byte[] damaged = bytes.clone();
            damaged[i] ^= 0x10;
            Files.write(file, damaged);
            String message = refused(file);
            assertTrue(message.startsWith(i < 8 ? "format: expected moelrnt1" : "checksum: expected "), message);
        }
    }

    @Test
    void noByteMayBeMissing() throws IOException {
        Path file = written();
        byte[] bytes = Files.readAllBytes(file);
        for (int length = 0; length < bytes.length; length += length < 40 ? 1 : 97) {
            Files.write(file, Arrays.copyOf(bytes, length));
            String message = refused(file);
            assertTrue(message.startsWith(length < 24 ? "size: " : "checksum: "), message);
        }
    }

    @Test
    void whatNoEstimatorWritesIsNotTakenUp() {
        UseEstimator next = estimator(EXPERTS);
        ByteBuffer before = kept(next);
        for (ByteBuffer other :
                List.of(kept(learnt()).putFloat(0, Float.NaN), kept(learnt()).limit(8), kept(estimator(EXPERTS + 1)))) {
            assertThrows(IllegalArgumentException.class, () -> LearntBytes.takeUp(next, other));
            assertEquals(before, kept(next));
        }
    }

    @Test
    void ofSeveralPartsAllAreTakenUpOrNone() throws IOException {
        UseEstimator others = learnt(EXPERTS + 1);
        ByteBuffer image = LearntFile.image(77, List.of(learnt(), others)).orElseThrow();
        int end = image.limit() - Integer.BYTES;
        image.putFloat(end - (int) others.keptBytes(), Float.NaN);
        CRC32C crc = new CRC32C();
        crc.update(image.duplicate().limit(end));
        image.putInt(end, (int) crc.getValue());
        Path file = directory.resolve("x.learnt");
        LearntFile.publish(file, image);
        UseEstimator first = estimator(EXPERTS);
        ByteBuffer before = kept(first);
        assertThrows(
                MalformedModelException.class, () -> LearntFile.read(file, List.of(first, estimator(EXPERTS + 1))));
        assertEquals(before, kept(first));
    }

    @Test
    void otherExpertsAreSaid() throws IOException {
        Path file = written();
        UseEstimator others = estimator(EXPERTS + 1);
        MalformedModelException refused =
                assertThrows(MalformedModelException.class, () -> LearntFile.read(file, List.of(others)));
        assertEquals(file + ": parts: expected those of the model's experts, found others", refused.getMessage());
    }
}
