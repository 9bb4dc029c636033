package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SurroundingsTest {
    @Test
    void theCacheIsWhereTheUserSays() {
        assertEquals(Path.of("/c"), cache(Map.of("MOETIER_CACHE", "/c", "XDG_CACHE_HOME", "/x")));
        assertEquals(Path.of("/x/moetier"), cache(Map.of("XDG_CACHE_HOME", "/x", "MOETIER_CACHE", "")));
        assertEquals(Path.of("/home/u/.cache/moetier"), cache(Map.of()));
        assertEquals(Path.of("/home/u/.cache/moetier"), cache(Map.of("XDG_CACHE_HOME", "relative")));
    }

    @Test
    void withoutAHomeTheCacheNeedsAPlace() {
        Surroundings homeless = new Surroundings(Map.of(), Path.of("?"), "");
        assertEquals(Optional.empty(), homeless.knownCacheDirectory());
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, homeless::cacheDirectory);
        String sentence = String.valueOf(refused.getMessage());
        assertTrue(sentence.contains("set HOME, or MOETIER_CACHE"), sentence);
        assertEquals(Path.of("/c"), new Surroundings(Map.of("MOETIER_CACHE", "/c"), Path.of("?"), "").cacheDirectory());
    }

    @Test
    void theHistoryIsState() {
        assertEquals(
                Path.of("/home/u/.local/state/moetier/history"),
                surroundings(Map.of(), "").historyFile());
    }

    @Test
    void theLauncherTellsWhichStreamsAreTerminals() {
        Surroundings surroundings = surroundings(Map.of(), "02");
        assertTrue(surroundings.inputIsTerminal());
        assertFalse(surroundings.outputIsTerminal());
        assertTrue(surroundings.errorIsTerminal());
    }

    private static Path cache(Map<String, String> variables) {
        return surroundings(variables, "").cacheDirectory();
    }

    private static Surroundings surroundings(Map<String, String> variables, String terminals) {
        return new Surroundings(variables, Path.of("/home/u"), terminals);
    }
}
