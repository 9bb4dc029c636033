package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.TensorInfo;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoundingTest {
    private static TensorInfo tensor(DType dtype, int cols) {
        return new TensorInfo(
                "blk.1.ffn_down.weight", dtype, List.of(4L, (long) cols), Path.of("m.gguf"), 0, dtype.bytes(4L * cols));
    }

    @ParameterizedTest
    @CsvSource({
        "KEEP, Q3_K, 256, Q3_K",
        "KEEP, BF16, 33, BF16",
        "Q8_0, F32, 64, Q8_0",
        "Q8_0, Q8_0, 64, Q8_0",
        "Q6_K, BF16, 512, Q6_K",
        "Q4_K, F16, 512, Q4_K",
        "Q4_K, Q6_K, 512, Q4_K",
        "Q4_K, Q4_K, 512, Q4_K",
        "Q4_0, Q8_0, 96, Q4_0",
        // not whole blocks of 256
        "Q4_K, BF16, 1408, Q8_0",
        "Q6_K, BF16, 96, Q8_0",
        "Q6_K, Q8_0, 96, Q8_0",
        "Q4_K, Q5_0, 96, Q5_0",
        "Q4_K, MXFP4, 96, MXFP4",
        // not whole blocks of 32
        "Q4_0, BF16, 80, BF16",
        "Q4_K, F32, 80, F32"
    })
    void choosesTheTypeOfAMatrix(Rounding rounding, DType source, int cols, DType target) {
        assertEquals(target, rounding.target(tensor(source, cols), cols));
    }

    @ParameterizedTest
    @CsvSource({
        "Q8_0, Q4_K",
        "Q8_0, Q6_K",
        "Q8_0, MXFP4",
        "Q6_K, Q5_K",
        "Q6_K, Q4_0",
        "Q4_K, Q4_0",
        "Q4_0, Q4_K",
        "Q4_0, IQ4_NL"
    })
    void refusesWhatWouldNotBecomeSmaller(Rounding rounding, DType source) {
        assertEquals(
                "m.gguf: tensor blk.1.ffn_down.weight is " + source.label() + " already, which " + rounding.label()
                        + " would not make smaller",
                assertThrows(IllegalArgumentException.class, () -> rounding.target(tensor(source, 256), 256))
                        .getMessage());
    }

    @Test
    void aLabelNamesWhatIsDone() {
        assertEquals("keep", Quantisation.KEEP.label());
        assertEquals("q4_k", Quantisation.of(Rounding.Q4_K).label());
        assertEquals("experts-q4_0-dense-keep", new Quantisation(Rounding.Q4_0, Rounding.KEEP).label());
    }
}
