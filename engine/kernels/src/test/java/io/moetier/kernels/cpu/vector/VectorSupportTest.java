package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorSupportTest {
    @Test
    void vectorsNeedWidthAndFusedMultiplyAdd() {
        for (int bits : new int[] {128, 256, 512}) {
            assertEquals(Optional.empty(), new VectorSupport(bits, true).objection());
            assertEquals(
                    Optional.of("there is no fused multiply-add here"), new VectorSupport(bits, false).objection());
        }
        assertEquals(Optional.of("this JVM has no vectors here"), new VectorSupport(64, true).objection());
        assertEquals(Optional.of("this JVM has no vectors here"), new VectorSupport(0, false).objection());
    }

    @Test
    void onlyWhatIsManyTimesSlowerIsSlow() {
        assertTrue(VectorSupport.isFast(0, 0));
        assertTrue(VectorSupport.isFast(1_500, 40)); // a coarse clock and a cold start
        assertTrue(VectorSupport.isFast(3_000, 250));
        assertFalse(VectorSupport.isFast(120_000, 250));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -XX:-UseFMA              | plain Java (slow: no native kernels: none here; there is no fused multiply-add here)
            -XX:MaxVectorSize=8      | plain Java (slow: no native kernels: none here; this JVM has no vectors here)
            """)
    void aDeviceSaysWhyItIsPlain(String flag, String reason) throws IOException, InterruptedException {
        assertEquals(reason, descriptionIn(flag));
    }

    private static String descriptionIn(String flag) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        flag,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Description.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        try (ChildProcess child = ChildProcess.start(builder)) {
            return new String(child.process().getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }

    /// The program of the process.
    static final class Description {
        private Description() {}

        public static void main(String[] args) {
            KernelSelection selection = KernelSelection.fastest(Optional.of("none here"));
            System.out.println(selection.arithmetic().description() + selection.remark());
        }
    }
}
