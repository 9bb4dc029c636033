package io.moetier.tools.synthetic;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Floats;
import io.moetier.storage.format.GgufFile;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SyntheticModelTest {
    private static final ModelShape SMALL = new ModelShape(2, 256, 4, 4, 2, 256, 1024);

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void weightsHaveTheVarianceThatKeepsActivations(DType dtype) {
        int elements = 1 << 18;
        MemorySegment blocks = MemorySegment.ofArray(new byte[(int) dtype.bytes(elements)]);
        new RandomWeights(1).fill(dtype, 0.02, blocks);
        float[] values = new float[elements];
        Floats.decode(dtype, blocks, elements, values, 0);
        double sum = 0;
        double squares = 0;
        for (float value : values) {
            sum += value;
            squares += (double) value * value;
        }
        assertEquals(0, sum / elements, 0.02 * 0.02);
        assertEquals(0.02, Math.sqrt(squares / elements), 0.02 * 0.02);
    }

    @Test
    void otherTypesAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> SyntheticModel.write(directory.resolve("a.gguf"), SMALL, DType.Q2_K, 0));
    }

    @Test
    void theSeedDecidesEveryByte() throws IOException {
        Path first = write("first.gguf", 7);
        assertEquals(-1, Files.mismatch(first, write("again.gguf", 7)));
        assertTrue(Files.mismatch(first, write("other.gguf", 8)) > 0);
    }

    @Test
    void theFileIsOneOfTheFamily() throws IOException {
        try (GgufFile file = GgufFile.open(write("model.gguf", 0))) {
            assertEquals(3 + 2 * 12, file.tensors().size());
            assertEquals("olmoe", file.metadata().requireString("general.architecture"));
            assertEquals(4, file.metadata().requireInt("olmoe.expert_count"));
        }
    }

    @Test
    void argumentsAreRead() throws IOException {
        Path file = directory.resolve("arguments.gguf");
        String arguments = "--type q4_0 --layers 1 --experts 2 --vocabulary 1000 --seed 5";
        SyntheticModel.main((file + " " + arguments).split(" "));
        try (GgufFile model = GgufFile.open(file)) {
            assertEquals(
                    "Q4_0", requireNonNull(model.tensors().get("output.weight")).dtype());
            assertEquals(3 + 12, model.tensors().size());
            assertEquals(2, model.metadata().requireInt("olmoe.expert_used_count"));
        }
        assertThrows(IllegalArgumentException.class, () -> SyntheticModel.main(new String[] {}));
    }

    private Path write(String name, long seed) throws IOException {
        Path file = directory.resolve(name);
        SyntheticModel.write(file, SMALL, DType.Q8_0, seed);
        return file;
    }
}
