package io.moetier.kernels.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What can be said without a driver, in a JVM that has not looked for one yet: it keeps the first that it finds. The
/// rest is tested with the emulated one.
final class CudaDriverTest {
    private static final CudaLookup ABSENT =
            new CudaLookup.Absent("/no/such/library.so cannot be loaded as a CUDA driver", false);

    /// Prints what was found.
    public static void main(String[] arguments) {
        System.out.println(CudaDriver.find(Optional.of(Path.of("/no/such/library.so")), Optional.empty()));
    }

    @Test
    void aMissingDriverIsAnAnswer() throws IOException, InterruptedException {
        ChildProcess.Ended ended = ChildProcess.run(new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                CudaDriverTest.class.getName()));
        assertEquals(new ChildProcess.Ended(0, ABSENT + "\n"), ended);
    }
}
