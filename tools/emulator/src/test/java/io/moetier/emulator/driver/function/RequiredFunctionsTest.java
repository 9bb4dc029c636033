package io.moetier.emulator.driver.function;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashSet;
import org.junit.jupiter.api.Test;

class RequiredFunctionsTest {
    @Test
    void theyAreThoseOfLwjgl() {
        assertEquals(136, RequiredFunctions.NAMES.size());
        assertEquals(136, new HashSet<>(RequiredFunctions.NAMES).size());
    }
}
