package io.moetier.cluster.wire;

import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/// Any bytes are a message or refused by name, and there is one way to write each message.
public final class WireFuzzTest {
    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(WireFuzzTest.class, 20_000, "protobuf");
    }

    public static void fuzzerTestOneInput(byte[] message) {
        WireTest.readOrRefuse(message);
    }
}
