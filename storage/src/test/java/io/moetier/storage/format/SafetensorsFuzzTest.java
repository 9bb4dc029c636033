package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any file called safetensors is read, with the elements of its tensors, or refused by name.
public final class SafetensorsFuzzTest {
    private static final Path FILE = Path.of("fuzzed.safetensors");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(SafetensorsFuzzTest.class, 5_000);
    }

    /// Reads a file of these bytes.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(FILE, bytes);
        try (SafetensorsFile file = SafetensorsFile.open(FILE)) {
            file.rawTensors().values().forEach(tensor -> tensor.usable().ifPresent(file::readFloats));
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
