package io.moetier.lab.calibrate;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.lab.calibrate.PromptCalibration.Beside;
import io.moetier.lab.cost.PromptCosts;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PromptCalibrationTest {
    private static final PromptCosts TRUE = new PromptCosts(Map.of(), 1e-6, 1e-9, 1e-11);

    private static Beside layer(int width, int tokens) {
        return new Beside(width, tokens, TRUE.besideSeconds(width, width, tokens));
    }

    @Test
    void threeLayersTellThreeCosts() {
        PromptCosts found = PromptCalibration.costs(Map.of(), layer(256, 128), layer(1024, 128), layer(1024, 512));
        assertEquals(TRUE.layerSeconds(), found.layerSeconds(), 1e-15);
        assertEquals(TRUE.widthSeconds(), found.widthSeconds(), 1e-18);
        assertEquals(TRUE.keySeconds(), found.keySeconds(), 1e-20);
    }

    /// What another process takes meanwhile may make a narrow layer slower than a wide one.
    @Test
    void nothingIsBelowZero() {
        Beside late = new Beside(256, 128, 1);
        PromptCosts found = PromptCalibration.costs(Map.of(), late, layer(1024, 128), layer(1024, 128 + 1));
        assertEquals(0, found.widthSeconds());
        found = PromptCalibration.costs(Map.of(), layer(256, 128), new Beside(1024, 128, 1), layer(1024, 512));
        assertEquals(0, found.keySeconds());
        assertEquals(0, found.layerSeconds());
    }
}
