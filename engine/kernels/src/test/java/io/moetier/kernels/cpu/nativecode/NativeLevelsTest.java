package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.storage.platform.Platform;
import io.moetier.testdata.ChildProcess;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// All levels of instructions that this processor has: other tests compute with the best alone.
class NativeLevelsTest {
    /// Each has what those before have; the first is number 1 of `level.c`, the second number 2.
    private static final List<String> LEVELS = List.of("AVX2", "AVX-512", "AVX-512 and AMX");

    private static final int NO_COMPILER = 127; // what is not there cannot be started

    @TempDir
    Path scratch;

    @Test
    void thoseBelowTheBestComputeAsPlainLoopsDo() throws IOException, InterruptedException, URISyntaxException {
        if (!KernelChoice.present().contains(KernelChoice.NATIVE)
                || !Platform.name().startsWith("linux")) {
            return;
        }
        int best = LEVELS.indexOf(NativeKernels.library().instructions());
        for (int i = 0; i < best; i++) {
            Path classes = scratch.resolve("level-" + (i + 1));
            if (link(i + 1, classes)) {
                assertEquals(LEVELS.get(i) + ": right", check(classes));
            }
        }
    }

    /// Makes a library that says that the processor has level `number`, and takes the rest from the one that was built.
    ///
    /// @return whether there is a compiler
    private boolean link(int number, Path classes) throws IOException, InterruptedException, URISyntaxException {
        Path source =
                Files.writeString(scratch.resolve("level.c"), "int moetier_level(void) { return " + number + "; }\n");
        Path built = Path.of(NativeLibrary.resource().orElseThrow().toURI());
        Path library = classes.resolve("META-INF")
                .resolve("native")
                .resolve(Platform.name())
                .resolve(System.mapLibraryName("moetier"));
        Files.createDirectories(library.getParent());
        ProcessBuilder compiler = new ProcessBuilder(
                "cc",
                "-shared",
                "-fPIC",
                "-o",
                library.toString(),
                source.toString(),
                "-Wl,--no-as-needed",
                built.toString());
        ChildProcess.Ended ended = ChildProcess.run(compiler);
        if (ended.exitCode() == NO_COMPILER) {
            return false;
        }
        assertEquals(0, ended.exitCode(), ended::said);
        return true;
    }

    private static String check(Path classes) throws IOException, InterruptedException {
        List<String> command = ChildProcess.java(Check.class, List.of());
        int path = command.indexOf("-cp") + 1;
        command.set(path, classes + File.pathSeparator + command.get(path));
        String said = ChildProcess.run(new ProcessBuilder(command)).said();
        return said.lines().reduce("", (before, last) -> last); // behind what the JVM says
    }

    /// The program of the process.
    static final class Check {
        private Check() {}

        public static void main(String[] args) {
            String found = NativeKernels.load(Optional.empty()).orElse("right");
            System.out.println(NativeKernels.library().instructions() + ": " + found);
        }
    }
}
