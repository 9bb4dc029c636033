package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.option.InvalidOptionException;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class VramBudgetTest {
    private static final VramBudget BUDGET = new VramBudget(1000, 100, 10, 1);

    @Test
    void aBudgetOfOneByteIsToldInTheSingular() {
        String needed = ": this model needs at least 1,111: weights 1,000, keys and values 100, workspace 10,"
                + " the experts of one token and layer 1; a smaller contextLength needs less";
        assertEquals("vramBytes: 1 byte is too little" + needed, refusal(1, OptionalInt.empty()));
        assertEquals("vramBytes: 1 byte on device 2 is too little" + needed, refusal(1, OptionalInt.of(2)));
        assertEquals("vramBytes: 2 bytes are too few" + needed, refusal(2, OptionalInt.empty()));
    }

    private static String refusal(long bytes, OptionalInt device) {
        InvalidOptionException refused = assertThrows(
                InvalidOptionException.class, () -> BUDGET.expertBytes(OptionalLong.of(bytes), 1 << 20, device));
        return String.valueOf(refused.getMessage());
    }
}
