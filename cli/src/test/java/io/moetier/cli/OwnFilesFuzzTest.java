package io.moetier.cli;

import io.moetier.cli.option.PolicyFile;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.runtime.trace.Census;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any file given as a policy, a census or the measurement of a machine is read or refused by name.
public final class OwnFilesFuzzTest {
    private static final Path FILE = Path.of("fuzzed.json");
    private static final List<Consumer<Path>> READERS =
            List.of(PolicyFile::read, file -> Census.parse(Json.readObject(file)), MachineProfile::read);

    @Test
    void noInputBreaksThem() throws IOException, InterruptedException {
        Fuzzing.check(OwnFilesFuzzTest.class, 5_000);
    }

    /// Reads a file of these bytes as each of them.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(FILE, bytes);
        READERS.forEach(OwnFilesFuzzTest::read);
    }

    private static void read(Consumer<Path> reader) {
        try {
            reader.accept(FILE);
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(FILE + ": "), e::getMessage);
        }
    }
}
