package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenIdsTest {
    @ParameterizedTest
    @ValueSource(strings = {"1,5,9", " 1, 5 ,9\n", "1 5 9", "1\n5\r\n9\n", "[1, 5, 9]"})
    void readsIdsHoweverTheyAreSeparated(String text) {
        assertArrayEquals(new int[] {1, 5, 9}, TokenIds.parse(text, "--ids"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "[]"})
    void refusesNone(String text) {
        assertEquals("--ids: expected token ids such as 1,5,9, found none", message(text));
    }

    @Test
    void namesWhatIsNoId() {
        assertEquals("--ids: expected token ids such as 1,5,9, found 'x'", message("1,x,9"));
        assertEquals("--ids: expected token ids such as 1,5,9, found '-5'", message("1,-5"));
        assertEquals("--ids: expected token ids such as 1,5,9, found ''", message("1,,5"));
        assertEquals("--ids: expected token ids such as 1,5,9, found '99999999999'", message("99999999999"));
    }

    private static String message(String text) {
        return String.valueOf(assertThrows(IllegalArgumentException.class, () -> TokenIds.parse(text, "--ids"))
                .getMessage());
    }
}
