package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.moetier.emulator.driver.machine.CallTrace;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import io.moetier.testdata.WarmCode;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a decoded token costs the host of a CUDA device.
class HandOffTest {
    private static final int LAUNCHES_OF_LAYER = 9;

    /// Beside layers: embedding, final norm, logits, and what comes before them.
    private static final int OTHER_LAUNCHES = 4;

    private static final int TOKENS = 20;
    private static final int QUIET_ROUNDS = 3;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    static Path directory = Path.of("");

    private static Path store() {
        return EmulatedEngines.store(directory, TestData.golden("mixtral"));
    }

    @Test
    void aLayerTakesNineLaunchesACopyAndAWait() {
        EmulatedCuda device = new EmulatedCuda(EmulatedOptions.DEFAULT, Optional.empty());
        EngineConfig config = EmulatedEngines.config(EmulatedOptions.DEFAULT).withDevice(device);
        try (Engine engine = Engine.open(store(), config);
                Session session = engine.newSession()) {
            int layers = engine.spec().layers().size();
            // brings most experts; a prompt would load the next layer ahead, and the loaders be late with some
            for (int token : new int[] {1, 5, 9, 20, 33, 7, 3, 12, 40, 8, 2}) {
                session.decode(token);
            }
            long misses = misses(engine, session);
            CallTrace before = device.driver().calls();
            while (misses(engine, session) != misses) { // a step that loads nothing
                misses = engine.stats().expertMisses();
                before = device.driver().calls();
            }
            CallTrace calls = device.driver().calls().since(before);
            assertTrue(
                    calls.count("cuLaunchKernel") <= (long) LAUNCHES_OF_LAYER * layers + OTHER_LAUNCHES,
                    calls::toString);
            assertTrue(calls.count("cuLaunchKernel") > (LAUNCHES_OF_LAYER - 1L) * layers, calls::toString);
            assertEquals(layers + 1, calls.count("cuMemcpyDtoHAsync"), calls::toString);
            assertEquals(layers + 1, calls.count("cuStreamSynchronize"), calls::toString);
            assertEquals(0, calls.count("cuMemcpyHtoDAsync"), calls::toString);
        }
    }

    private static long misses(Engine engine, Session session) {
        session.decode(4);
        return engine.stats().expertMisses();
    }

    /// With a driver that does nothing, so that nobody else allocates on this thread; experts are then chosen by what
    /// the last copies left. The loaders have threads of their own.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStepAllocatesNothing(boolean fewest) {
        EmulatedCuda device = new EmulatedCuda(EmulatedOptions.DEFAULT, Optional.empty());
        EngineConfig all = EmulatedEngines.config(EmulatedOptions.DEFAULT).withDevice(device);
        EngineConfig config = fewest ? EmulatedEngines.least(store(), all) : all;
        try (Engine engine = Engine.open(store(), config);
                Session session = engine.newSession()) {
            session.prefill(new int[] {1, 5, 9});
            session.decode(7);
            device.driver().silenceSteps();
            int quiet = 0;
            long allocated = 0;
            for (long end = System.nanoTime() + WarmCode.PATIENCE_NANOS;
                    quiet < QUIET_ROUNDS && System.nanoTime() < end; ) {
                session.truncate(4);
                long before = THREADS.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < TOKENS; i++) {
                    session.decode(5 + i);
                }
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                quiet = allocated == 0 ? quiet + 1 : 0;
            }
            long last = allocated;
            assertEquals(QUIET_ROUNDS, quiet, () -> last + " bytes in the last " + TOKENS + " tokens");
        }
    }
}
