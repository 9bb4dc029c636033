package io.moetier.lab.foreign;

import io.moetier.runtime.trace.RoutingTrace;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Any trace of another program is converted to one that can be read, or refused by name.
public final class ForeignTraceFuzzTest {
    private static final Path IN = Path.of("fuzzed.trace");
    private static final Path OUT = Path.of("converted.jsonl.gz");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(ForeignTraceFuzzTest.class, 2_000);
    }

    /// Converts a file of these bytes.
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
        Fuzzing.write(IN, bytes);
        try {
            ForeignFormat format = ForeignFormat.of(IN);
            long tokens = new TraceConversion(format, Optional.empty(), OptionalInt.empty(), 1).convert(IN, OUT);
            Assertions.assertEquals(tokens, RoutingTrace.read(OUT).tokens().size());
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(IN.toString()), e::getMessage);
        }
    }
}
