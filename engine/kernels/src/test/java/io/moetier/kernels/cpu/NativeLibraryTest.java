package io.moetier.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    void aDamagedLibraryIsNotUsed() throws IOException {
        Path damaged = Files.writeString(scratch.resolve("damaged"), "not a library");
        for (Optional<Path> directory : java.util.List.of(Optional.<Path>empty(), Optional.of(scratch))) {
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

    @Test
    void withoutNativeCodeTheBestOfJavaComputesAndSaysWhy() {
        KernelSelection selection = KernelSelection.fastest(Optional.of("they were not built"));
        if (KernelSelection.hasVectors()) {
            assertTrue(selection.arithmetic() instanceof VectorArithmetic);
            assertEquals(" (no native kernels: they were not built)", selection.remark());
        } else {
            assertTrue(selection.arithmetic() instanceof PlainArithmetic);
            String remark = selection.remark();
            assertTrue(remark.startsWith(" (slow: no native kernels: they were not built; "), remark);
        }
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
