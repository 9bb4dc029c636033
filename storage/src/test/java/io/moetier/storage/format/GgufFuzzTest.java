package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any file called GGUF is read, with the elements of its tensors, or refused by name.
public final class GgufFuzzTest {
    private static final Path FILE = Path.of("fuzzed.gguf");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(GgufFuzzTest.class, 10_000);
    }

    /// Reads a file of these bytes.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(FILE, bytes);
        try (GgufFile file = GgufFile.open(FILE)) {
            file.tensors().values().forEach(tensor -> tensor.usable().ifPresent(file::readFloats));
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
