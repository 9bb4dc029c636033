package io.moetier.kernels.cpu.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.TestWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeLibraryTest {
    @TempDir
    Path scratch;

    @Test
    void theUnpackedFileStaysUnderTheNameOfItsContent() throws IOException {
        for (var built : NativeLibrary.resource().stream().toList()) {
            for (int start = 0; start < 2; start++) {
                openIfThisProcessorHasALevel(built);
                try (Stream<Path> files = Files.list(scratch.resolve("kernels"))) {
                    Path file = files.reduce((a, b) -> scratch).orElseThrow();
                    assertTrue(file.getFileName().toString().matches("[0-9a-f]{64}-\\w+\\.\\w+"), file::toString);
                }
            }
        }
    }

    /// An x86 processor without AVX2 has none, and an old Arm one.
    private void openIfThisProcessorHasALevel(URL built) {
        try {
            NativeLibrary.open(built, Optional.of(scratch));
        } catch (IllegalStateException e) {
            assertEquals(NativeLibrary.NO_LEVEL, e.getMessage());
        }
    }

    @Test
    void whatTheBuildSaysOfItsContentIsTrue() throws Exception {
        for (URL built : NativeLibrary.resource().stream().toList()) {
            Path written = Path.of(URI.create(built + ".sha256"));
            if (!Files.exists(written)) {
                continue; // the machine that built it had no program for that
            }
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(Path.of(built.toURI())));
            assertEquals(
                    HexFormat.of().formatHex(digest), Files.readString(written).substring(0, 64));
        }
    }

    @Test
    void aDamagedLibraryIsNotUsed() throws IOException {
        Path damaged = Files.writeString(scratch.resolve("damaged"), "not a library");
        for (Optional<Path> directory : List.of(Optional.<Path>empty(), Optional.of(scratch))) {
            String message = messageOf(damaged, directory);
            assertTrue(message.startsWith("their library cannot be loaded: "), message);
        }
    }

    @Test
    void aLibraryThatIsGoneIsNotUsed() {
        String message = messageOf(scratch.resolve("absent"), Optional.empty());
        assertTrue(message.startsWith("their library cannot be unpacked: "), message);
    }

    private static String messageOf(Path file, Optional<Path> directory) {
        return String.valueOf(assertThrows(
                        IllegalStateException.class,
                        () -> NativeLibrary.open(file.toUri().toURL(), directory))
                .getMessage());
    }

    /// As Linux names what the processor has, which is not how the library asks.
    @Test
    void theLevelIsOneThatTheProcessorHas() throws IOException {
        Path processor = Path.of("/proc/cpuinfo");
        if (!KernelChoice.present().contains(KernelChoice.NATIVE) || !Files.exists(processor)) {
            return;
        }
        Set<String> has = new HashSet<>(Arrays.asList(Files.readString(processor)
                .lines()
                .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
                .findFirst()
                .orElseThrow()
                .split("\\s+")));
        Set<String> needed = switch (NativeKernels.library().instructions()) {
            case "AVX2" -> Set.of("avx2", "fma", "bmi1", "bmi2", "movbe", "f16c", "abm");
            case "AVX-512" ->
                Set.of("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16");
            case "AVX-512 and AMX" -> Set.of("avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8");
            default -> Set.of("asimddp", "asimdhp");
        };
        assertTrue(has.containsAll(needed), () -> needed + " of " + has);
    }

    /// Libraries of one function, which say that the processor has level `has`, by the numbers of `level.c`.
    @ParameterizedTest
    @CsvSource({"0, v3, ''", "1, avx512, ''", "1, v3, AVX2", "2, amx, ''", "2, v3, AVX2", "4, avx512, AVX-512"})
    void onlyLevelsThatTheProcessorHasAreTaken(int has, String level, String taken)
            throws IOException, InterruptedException {
        Optional<Path> library = compiled(has, "void moetier_multiply_" + level + "(void) {}");
        if (library.isEmpty()) {
            return;
        }
        if (taken.isEmpty()) {
            assertEquals(NativeLibrary.NO_LEVEL, messageOf(library.get(), Optional.of(scratch)));
        } else {
            assertEquals(taken, open(library.get()).instructions());
        }
    }

    /// Matrices of AMX are for products alone.
    @Test
    void whatMatricesChangeNothingOfIsThatOfTheLevelBelow() throws Throwable {
        Optional<Path> library = compiled(
                4,
                "int moetier_multiply_amx(void) { return 2; } int moetier_multiply_avx512(void) { return 1; }"
                        + " int moetier_attend_avx512(void) { return 3; } int moetier_swiglu_v3(void) { return 4; }");
        if (library.isEmpty()) {
            return;
        }
        NativeLibrary opened = open(library.get());
        FunctionDescriptor number = FunctionDescriptor.of(ValueLayout.JAVA_INT);
        assertEquals(2, (int) opened.link("multiply", number).invokeExact());
        assertEquals(3, (int) opened.link("attend", number).invokeExact());
        assertThrows(IllegalStateException.class, () -> opened.link("swiglu", number));
    }

    private NativeLibrary open(Path library) throws IOException {
        return NativeLibrary.open(library.toUri().toURL(), Optional.of(scratch));
    }

    /// Returns a library that says it is for a processor with level `has`, or nothing without a compiler.
    private Optional<Path> compiled(int has, String functions) throws IOException, InterruptedException {
        Path source = Files.writeString(
                scratch.resolve("one.c"), "int moetier_level(void) { return " + has + "; }\n" + functions + "\n");
        Path library = scratch.resolve("one.so");
        ProcessBuilder compiler = new ProcessBuilder("sh", "-c", "cc -shared -fPIC -o " + library + " " + source);
        return ChildProcess.run(compiler).exitCode() == 0 ? Optional.of(library) : Optional.empty();
    }

    @Test
    void theChoiceIsLoggedOnceForADevice() {
        List<String> logged = new ArrayList<>();
        Logger logger = Logger.getLogger("io.moetier.kernels");
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord logRecord) {
                logged.add(logRecord.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        logger.setLevel(Level.FINE);
        try {
            CpuDevice.open(1, KernelChoice.PLAIN).close();
        } finally {
            logger.setLevel(null);
            logger.removeHandler(handler);
        }
        assertEquals(List.of("kernels plain: plain Java"), logged);
    }

    @Test
    void aClosedArenaIsRefused() {
        if (!KernelChoice.present().contains(KernelChoice.NATIVE)) {
            return; // nothing could touch the memory
        }
        WeightMatrix w;
        try (Arena arena = Arena.ofShared()) {
            w = TestWeights.matrix(arena, DType.F32, 16, 16, new Random(1));
        }
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.NATIVE)) {
            var x = device.allocate(16);
            assertThrows(IllegalStateException.class, () -> device.kernels().matmul(w, x, 1, device.allocate(16)));
        }
    }
}
