package io.moetier.storage.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "4096B, 4096",
        "8M, 8388608",
        "8m, 8388608",
        "8MiB, 8388608",
        "8MB, 8000000",
        "1.5G, 1610612736",
        "4 GiB, 4294967296",
        "4GB, 4000000000",
        "2T, 2199023255552"
    })
    void readsWhatPeopleWrite(String text, long bytes) {
        assertEquals(bytes, ByteSize.parse(text).bytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "8Q", "-8M", "75%", "8MM", "1e9", "0x10", "99999999T"})
    void refusesWhatIsNoSize(String text) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text))
                .getMessage());
        assertTrue(message.contains("'" + text + "'"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.00 KiB",
        "196608, 192 KiB",
        "1610612736, 1.50 GiB",
        "1048575, 1.00 MiB",
        "104857600, 100 MiB"
    })
    void writesThreeDigits(long bytes, String text) {
        assertEquals(text, ByteSize.format(bytes));
    }

    @Test
    void printsAsText() {
        assertEquals("8.00 MiB", new ByteSize(8 << 20).toString());
    }
}
