package io.moetier.cli.packaged;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.ChildProcess.Ended;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarFile;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is packed for machines with a GPU needs nothing of this machine, and finds what fails; `pack.sh` itself
/// refuses to pack too much.
class GpuPackTest {
    private static final Path TOOLS =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent()).resolve("tools/gpu");

    @TempDir
    Path directory;

    private Ended run(String... command) throws IOException, InterruptedException {
        return ChildProcess.run(new ProcessBuilder(command).directory(directory.toFile()));
    }

    /// Verifies as on a bare machine: with no variable of this one but those given.
    private Ended verify(Path folder, List<String> variables, String... options)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("env", "-i", "PATH=/usr/bin:/bin"));
        command.add("HOME=" + Files.createDirectories(directory.resolve("home")));
        command.addAll(variables);
        command.addAll(List.of("sh", folder.resolve("verify-on-gpu.sh").toString()));
        Collections.addAll(command, options);
        return run(command.toArray(String[]::new));
    }

    @Test
    void thePackChecksADeviceAndSaysWhatFailed() throws IOException, InterruptedException {
        Path folder = directory.resolve("pack");
        Ended packed = run("sh", TOOLS.resolve("pack.sh").toString(), "--built", folder.toString());
        assertEquals(new Ended(0, folder + ".tar.gz\n"), packed);
        try (JarFile tests = new JarFile(folder.resolve("lib/tests.jar").toFile())) {
            for (String name : testsOfKernels()) {
                assertNotNull(tests.getEntry("io/moetier/kernels/cuda/" + name + ".class"), name);
            }
        }

        Ended emulated = verify(folder, List.of(), "--device", "emulated", "--short");
        assertEquals(0, emulated.exitCode(), emulated.said());
        assertTrue(
                emulated.said()
                        .matches("(?s)check +result +figure +seconds\\Rdoctor +ok +NVIDIA GeForce RTX 3060 .*"
                                + "\\R  copies to it .*GB/s.*\\Rkernels: CudaDevice +ok +\\d+ tests passed +\\d+"
                                + "\\Rsame text as on the CPU +ok +4 tokens at .*"),
                emulated.said());

        Ended withoutDriver = verify(folder, List.of("MOETIER_CUDA_LIBRARY=/no/libcuda.so.1"), "--short");
        assertEquals(1, withoutDriver.exitCode(), withoutDriver.said());
        assertTrue(withoutDriver.said().contains("/no/libcuda.so.1 cannot be loaded"), withoutDriver.said());
        assertEquals(
                3,
                withoutDriver
                        .said()
                        .lines()
                        .filter(line -> line.contains(" FAILED "))
                        .count(),
                withoutDriver.said());

        assertEquals(2, verify(folder, List.of(), "--device", "gpu").exitCode());
    }

    /// Its own folder is like one, but for what is built.
    @Test
    void aFolderThatIsNoEarlierPackIsLeftAsItIs() throws IOException, InterruptedException {
        Path folder = Files.createDirectories(directory.resolve("gpu"));
        Path script = Files.copy(TOOLS.resolve("verify-on-gpu.sh"), folder.resolve("verify-on-gpu.sh"));
        Ended refused = run("sh", TOOLS.resolve("pack.sh").toString(), "--built", folder.toString());
        assertEquals(2, refused.exitCode(), refused.said());
        assertTrue(refused.said().endsWith("expected a folder of an earlier pack or none, found something else\n"));
        assertTrue(Files.exists(script));
    }

    /// Returns those that it names, which only a machine with a GPU runs all.
    private static List<String> testsOfKernels() throws IOException {
        List<String> named = Pattern.compile("\\w+Test\\b(?= |})")
                .matcher(Files.readString(TOOLS.resolve("verify-on-gpu.sh")))
                .results()
                .map(MatchResult::group)
                .toList();
        assertTrue(named.size() >= 8, named.toString());
        return named;
    }
}
