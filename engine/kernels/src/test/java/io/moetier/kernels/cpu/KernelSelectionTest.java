package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.arithmetic.PlainArithmetic;
import io.moetier.kernels.cpu.vector.VectorApi;
import io.moetier.kernels.cpu.vector.VectorArithmetic;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelSelectionTest {
    @Test
    void withoutNativeCodeTheBestOfJavaComputesAndSaysWhy() {
        KernelSelection selection = KernelSelection.fastest(Optional.of("they were not built"));
        if (VectorApi.isFast()) {
            assertTrue(selection.arithmetic() instanceof VectorArithmetic);
            assertEquals(" (no native kernels: they were not built)", selection.remark());
        } else {
            assertTrue(selection.arithmetic() instanceof PlainArithmetic);
            String remark = selection.remark();
            assertTrue(remark.startsWith(" (slow: no native kernels: they were not built; "), remark);
        }
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
