package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A GPU that is lost in the middle of an answer.
class DeviceFailureTest {
    private static final int[] PROMPT = {5, 9, 20};

    @Test
    void isNamedAndLeavesNothing(@TempDir Path cache) throws IOException {
        String lost = failureOf("cuLaunchKernel", 40, CudaStatus.ILLEGAL_ADDRESS, true, cache);
        assertTrue(lost.startsWith("the GPU failed: "), lost);
    }

    @Test
    void aShortageTellsWhatNeedsLess(@TempDir Path cache) throws IOException {
        String shortage = failureOf("cuMemAlloc", 1, CudaStatus.OUT_OF_MEMORY, false, cache);
        assertTrue(shortage.startsWith("the GPU is out of memory (cuMemAlloc failed: "), shortage);
        String pinned = failureOf("cuMemHostAlloc", 3, CudaStatus.OUT_OF_MEMORY, false, cache);
        assertTrue(pinned.startsWith("no more main memory can be pinned (cuMemHostAlloc failed: "), pinned);
        assertTrue(pinned.endsWith("; less of memoryBytes needs less"), pinned);
    }

    private static String failureOf(String function, int call, CudaStatus status, boolean lasts, Path cache)
            throws IOException {
        InjectedFault fault = new InjectedFault(function, call, status, lasts);
        try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withFaults(fault))) {
            ModelOptions options = ModelOptions.DEFAULT
                    .withCache(cache)
                    .withContextLength(64)
                    .withDevice(Device.gpus(0).withDriver(driver.library()));
            MoetierException failure = assertThrows(MoetierException.class, () -> answer(options));
            assertEquals(List.of(), driver.leaks().leaks());
            return String.valueOf(failure.getMessage());
        }
    }

    private static void answer(ModelOptions options) {
        try (Model model = Model.open(TestData.golden("mixtral"), options);
                Completion completion = model.completion()) {
            completion.complete(PROMPT, piece -> {});
        }
    }
}
