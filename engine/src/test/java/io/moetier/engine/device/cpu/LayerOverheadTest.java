package io.moetier.engine.device.cpu;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LayerOverheadTest {
    @Test
    void joiningTakesTimeButNotSeconds() {
        double seconds = LayerOverhead.seconds(2);
        assertTrue(seconds >= 0 && seconds < 60, () -> "" + seconds);
        assertThrows(IllegalArgumentException.class, () -> LayerOverhead.seconds(0));
    }
}
