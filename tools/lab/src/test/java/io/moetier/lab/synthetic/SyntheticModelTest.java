package io.moetier.lab.synthetic;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Floats;
import io.moetier.storage.format.GgufFile;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SyntheticModelTest {
    private static final ModelShape SMALL = new ModelShape(2, 256, 4, 4, 2, 256, 1024);

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q6_K"})
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
    void otherTypesAreRefusedBeforeAnythingIsWritten() {
        Path file = directory.resolve("a.gguf");
        assertThrows(IllegalArgumentException.class, () -> SyntheticModel.write(file, SMALL, DType.Q2_K, 0));
        assertFalse(Files.exists(file));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --type q2_k         | --type: expected one of f32, bf16, q8_0, q4_0, q4_1, q4_k, q6_k, found q2_k
            --layers 0          | --layers must be a whole number from 1 to 32768, not 0
            --experts many      | --experts must be a whole number from 1 to 65536, not many
            --vocabulary 10     | --vocabulary must be a whole number from 959 to 1048576, not 10
            --layers 2147483648 | --layers must be a whole number from 1 to 32768, not 2147483648
            --experts-per-token 5 --experts 4 | --experts-per-token must be a whole number from 1 to 4, not 5
            --seed              | --seed needs a value; usage: SyntheticModel FILE.gguf
            --size 3            | there is no option --size; usage: SyntheticModel FILE.gguf
            """)
    void badArgumentsAreOneSentenceAndNoFile(String arguments, String expected) {
        Path file = directory.resolve("bad.gguf");
        Exception refused = assertThrows(
                IllegalArgumentException.class, () -> SyntheticModel.main((file + " " + arguments).split(" ")));
        String message = String.valueOf(refused.getMessage());
        assertTrue(message.startsWith(expected), message);
        assertEquals(1, message.lines().count());
        assertEquals(0, refused.getStackTrace().length);
        assertFalse(Files.exists(file));
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        Path file = directory.resolve("absent").resolve("a.gguf");
        Exception refused = assertThrows(IOException.class, () -> SyntheticModel.main(new String[] {file.toString()}));
        assertTrue(String.valueOf(refused.getMessage()).startsWith(file + ": cannot be created: "), refused::toString);
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

    @Test
    void theOrderOfArgumentsDoesNotMatter() {
        for (String order : List.of("--experts-per-token 65 --experts 128", "--experts 128 --experts-per-token 65")) {
            Arguments arguments = Arguments.parse(("a.gguf " + order).split(" "));
            assertEquals(65, arguments.shape().expertsPerToken());
            assertEquals(128, arguments.shape().experts());
        }
    }

    private Path write(String name, long seed) throws IOException {
        Path file = directory.resolve(name);
        SyntheticModel.write(file, SMALL, DType.Q8_0, seed);
        return file;
    }
}
