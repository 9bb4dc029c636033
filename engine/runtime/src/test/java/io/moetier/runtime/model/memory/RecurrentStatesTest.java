package io.moetier.runtime.model.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.family.Families;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// How far back states go: here a pass over tokens up to `n` sets every element to `n`.
class RecurrentStatesTest {
    private final CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
    private final RecurrentStates states = new RecurrentStates(
            Families.describe(Json.readObject(TestData.golden("minimax").resolve("config.json"))),
            device,
            Arena.ofAuto());

    @AfterEach
    void close() {
        device.close();
    }

    private void pass(int from, int to) {
        states.begin(from);
        set(to);
        states.finish(to);
    }

    private void set(int value) {
        for (int block = 0; block < 3; block++) {
            DeviceBuffer state = states.of(block)[0];
            float[] values = new float[state.length()];
            Arrays.fill(values, value);
            device.upload(values, 0, values.length, state, 0);
        }
    }

    private void assertAt(int expected, int wanted) {
        assertEquals(expected, states.resume(wanted));
        for (int block = 0; block < 3; block++) {
            DeviceBuffer state = states.of(block)[0];
            float[] values = new float[state.length()];
            device.download(state, 0, values.length, values, 0);
            float[] same = new float[values.length];
            Arrays.fill(same, expected);
            assertArrayEquals(same, values);
        }
    }

    @Test
    void staysWhereItIs() {
        assertAt(0, 0);
        pass(0, 5);
        assertAt(5, 5);
    }

    @Test
    void goesBackToTheLaterMarkThatIsNotTooLate() {
        pass(0, 5);
        states.mark(0);
        pass(5, 9);
        states.mark(1);
        pass(9, 12);
        assertAt(9, 11);
        pass(9, 12);
        assertAt(9, 9);
        pass(9, 12);
        assertAt(5, 8);
        pass(5, 12);
        assertAt(5, 11); // the mark at 9 belonged to another text
        pass(5, 12);
        assertAt(0, 4);
        pass(0, 12);
        assertAt(0, 11);
    }

    @Test
    void aPassThatFailsIsUndone() {
        pass(0, 5);
        states.mark(0);
        states.begin(5);
        set(99);
        assertThrows(IllegalStateException.class, () -> states.begin(5));
        assertAt(5, 5);
        states.begin(5);
        set(99);
        assertAt(0, 3);
    }

    @Test
    void aPassElsewhereIsRefused() {
        pass(0, 5);
        String message = String.valueOf(
                assertThrows(IllegalStateException.class, () -> states.begin(4)).getMessage());
        assertEquals("the states are at 5, not at 4", message);
    }
}
