package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeTextTest {
    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "utf-8", "ANSI_X3.4-1968", "ISO-8859-1"})
    void asciiIsTheSameInEveryEncoding(String encoding) {
        assertEquals(Optional.empty(), new NativeText(encoding).objection("--temp 0 \"Once\"\n"));
    }

    @Test
    void utf8IsWhatWasMeant() {
        assertEquals(Optional.empty(), new NativeText("UTF-8").objection("日本 é"));
    }

    @Test
    void bytesThatAreNoUtf8WereReplaced() {
        assertEquals(
                "'caf\uFFFD': expected UTF-8, found other bytes; what they were sent by, such as a terminal, has another"
                        + " encoding",
                new NativeText("UTF-8").objection("caf\uFFFD").orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ANSI_X3.4-1968", "ISO-8859-1"})
    void anotherEncodingIsNamed(String encoding) {
        String objection = new NativeText(encoding).objection("\uFFFD").orElseThrow();
        assertTrue(objection.contains(encoding) && objection.contains("LC_ALL=C.UTF-8"), objection);
    }
}
