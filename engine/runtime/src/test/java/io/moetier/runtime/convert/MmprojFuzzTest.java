package io.moetier.runtime.convert;

import io.moetier.storage.format.GgufParts;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Beside each language model any `mmproj` file has its tower or is refused by name.
public final class MmprojFuzzTest {
    private static final Path FILE = Path.of("mmproj.gguf");

    /// The tensors' bytes, all 0, so that inputs are headers.
    private static final int WEIGHTS = 1 << 18;

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.checkWithDesktop(MmprojFuzzTest.class, 3_000);
    }

    /// Reads what an import needs to know of a file with a header of these bytes.
    public static void fuzzerTestOneInput(byte[] header) throws IOException {
        Fuzzing.write(FILE, Arrays.copyOf(header, header.length + WEIGHTS));
        for (GgufParts model : Models.OPEN) {
            try (Mmproj mmproj = Mmproj.open(model, FILE, false)) {
                Assertions.assertTrue(mmproj.model().spec().vision().isPresent());
            } catch (MalformedModelException e) {
                Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
            }
        }
    }

    /// The language models, in the working directory of the JVM that fuzzes.
    private static final class Models {
        static final List<GgufParts> OPEN = Stream.of(
                        "qwen3_vl_moe",
                        "qwen3_5_moe_image",
                        "internvl_qwen3_moe",
                        "llama4_scout_image",
                        "gemma4_moe_image")
                .map(Models::write)
                .toList();

        private static GgufParts write(String golden) {
            try {
                Path file = Path.of(golden + ".gguf");
                return GgufParts.open(
                        LlamaCppFile.withImageToken(TestData.golden(golden)).write(file));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
