package io.moetier.tools.emulate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.engine.device.cuda.CudaException;
import io.moetier.engine.session.Engine;
import io.moetier.engine.session.EngineConfig;
import io.moetier.testdata.TestData;
import io.moetier.tools.emulate.driver.CudaStatus;
import io.moetier.tools.emulate.driver.EmulatedDriver;
import io.moetier.tools.emulate.driver.EmulatedOptions;
import io.moetier.tools.emulate.driver.InjectedFault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A call of the driver that fails once ends in one clear error or in the right text, and costs nothing for good.
class EmulatedFaultsTest {
    private static final int[] PROMPT = {5, 9, 20};

    @TempDir
    static Path directory = Path.of("");

    /// The calls that fail are the first ones, one by one, and then further and further apart.
    @ParameterizedTest
    @CsvSource({
        "cuMemAlloc, OUT_OF_MEMORY",
        "cuMemHostAlloc, OUT_OF_MEMORY",
        "cuMemcpyHtoDAsync, UNKNOWN",
        "cuMemcpyDtoHAsync, UNKNOWN"
    })
    void aCallThatFailsOnceIsToldAndForgotten(String function, CudaStatus status) throws IOException {
        Path store = EmulatedEngines.store(directory, TestData.golden("mixtral"));
        EngineConfig least = EmulatedEngines.least(store, EmulatedEngines.config(EmulatedOptions.DEFAULT));
        int[] expected;
        try (Engine engine = Engine.open(store, least)) {
            expected = EmulatedEngines.bits(engine, PROMPT, 1);
        }
        int failures = 0;
        int call = 1;
        while (fails(store, least, InjectedFault.once(function, call, status), expected)) {
            failures++;
            call += Math.max(1, call / 3);
        }
        assertTrue(failures >= 3, function + " failed " + failures + " times");
    }

    /// Says whether the fault was met; the engine must then be as good as before.
    private static boolean fails(Path store, EngineConfig config, InjectedFault fault, int[] expected)
            throws IOException {
        try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withFaults(fault))) {
            boolean failed = !answers(store, config.withDevice(() -> EmulatedEngines.open(driver)), expected);
            assertEquals(List.of(), driver.leaks().leaks(), fault::toString);
            return failed;
        }
    }

    private static boolean answers(Path store, EngineConfig config, int[] expected) {
        try (Engine engine = Engine.open(store, config)) {
            boolean answered = answers(engine, expected);
            if (!answered) {
                assertTrue(answers(engine, expected), "a fault that is over lasts");
            }
            return answered;
        } catch (CudaException e) {
            return false;
        }
    }

    private static boolean answers(Engine engine, int[] expected) {
        try {
            assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, 1));
            return true;
        } catch (CudaException e) {
            return false;
        }
    }
}
