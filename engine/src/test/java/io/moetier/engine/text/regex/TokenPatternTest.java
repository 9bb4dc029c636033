package io.moetier.engine.text.regex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenPatternTest {
    @Test
    void publishedPatternsAreReadAndGoBackLittle() {
        Map<String, String> all = new HashMap<>(PublishedPatterns.words());
        all.putAll(PublishedPatterns.parts());
        all.putAll(PublishedPatterns.replaced());
        all.forEach((name, text) -> {
            TokenPattern pattern = TokenPattern.read(text);
            System.out.println(name + " " + pattern.attempt().factors() + " search "+ pattern.search().factors());
            assertTrue(pattern.attempt().degree() <= 2, name);
            assertTrue(pattern.attempt().steps(0) <= 500, () -> name + ": " + pattern.attempt());
        });
    }
}
