package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class StoresTest {
    @Test
    void whatIsNotUsedIsCounted() {
        assertEquals(Optional.empty(), Stores.notUsed(0, 0));
        assertEquals(Optional.of("1 tensor of encoders of images or sound"), Stores.notUsed(0, 1));
        assertEquals(
                Optional.of(
                        "2 tensors of layers that guess further tokens (MTP), 1 tensor of encoders of images or sound"),
                Stores.notUsed(2, 1));
    }
}
