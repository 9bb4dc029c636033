package io.moetier.runtime.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelBitsTest {
    @Test
    void theWordIsTheSameForTheSameKernelsOnAnyNumberOfThreads() {
        for (KernelChoice kernels : KernelChoice.present()) {
            assertEquals(word(kernels, 1), word(kernels, 3), kernels::toString);
        }
    }

    @Test
    void kernelsThatRoundOtherwiseHaveOtherWords() {
        Set<String> words = new HashSet<>();
        for (KernelChoice kernels : KernelChoice.present()) {
            words.add(word(kernels, 1));
        }
        for (ActivationType activations : ActivationType.values()) {
            try (Device beside = CpuDevice.openBeside(1, KernelChoice.AUTO, Optional.empty(), activations)) {
                words.add(KernelBits.of(beside));
            }
        }
        assertEquals(KernelChoice.present().size() + ActivationType.values().length, words.size());
        assertTrue(words.stream().allMatch(word -> word.matches("[0-9a-f]{16}")), words::toString);
    }

    private static String word(KernelChoice kernels, int threads) {
        try (Device device = CpuDevice.open(threads, kernels)) {
            return KernelBits.of(device);
        }
    }
}
