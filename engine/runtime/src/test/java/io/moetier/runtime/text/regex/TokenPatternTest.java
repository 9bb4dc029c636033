package io.moetier.runtime.text.regex;

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
    private static final TokenPattern LLAMA3 = TokenPattern.read(PublishedPatterns.wordsOf("Llama-3"));

    @Test
    void publishedPatternsGoBackLittle() {
        Map<String, String> all = new HashMap<>(PublishedPatterns.words());
        all.putAll(PublishedPatterns.parts());
        all.putAll(PublishedPatterns.replaced());
        all.forEach((name, text) -> {
            TokenPattern pattern = TokenPattern.read(text);
            assertTrue(pattern.attempt().degree() <= 1, name);
            assertTrue(pattern.search().degree() <= 1, name);
            assertTrue(pattern.attempt().steps(0) < 100, () -> name + ": " + pattern.attempt());
        });
    }

    /// The degrees are those of the worst text: how an attempt grows with it, and what of that comes again with the
    /// next attempt.
    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            abc; 0; 0
            a+; 0; 0
            [ab]{1,3}c?; 0; 0
            a*b; 1; 1
            a*b|a+; 1; 1
            a*a*b; 2; 2
            (?:a*b)*; 2; 1
            (?:ab|cd)+e; 1; 1
            (?:a|b)+; 1; 0
            (?>a+)b; 1; 1
            a++b; 1; 1
            a+?; 0; 0
            \\s+(?!\\S)|\\s+; 1; 1
            (?=a*b)a; 1; 1
            (?<=ab)c; 0; 0
            a{1,3}+; 1; 0
            """)
    void boundsHowOftenAMatcherGoesBack(String pattern, int attempt, int search) {
        TokenPattern read = TokenPattern.read(pattern);
        assertEquals(attempt, read.attempt().degree());
        assertEquals(search, read.search().degree());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a+)+$",
                "(?:a|a)+b",
                "(?:x+x+)+y",
                "(?:a*b?)+c",
                "(a*)*",
                "(?:)+",
                "(?:a|ab|b)+c",
                "(?:(?=a))*",
                "(?<=a+)b",
                "(?:[a-z]|\\w)+!",
                "a{1001}",
                "((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9}){9})"
            })
    void refusesPatternsWithoutAUsefulBound(String pattern) {
        assertThrows(IllegalArgumentException.class, () -> TokenPattern.read(pattern));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            (a; its end at character 2 is not understood
            a); ')' at character 1 is not understood
            (a)\\1; '\\1' at character 5 is not understood
            \\k<x>; '\\k' at character 2 is not understood
            (?x:a); a group that begins like this at character 2 is not understood
            *a; '*' after nothing at character 0 is not understood
            [a; its end at character 2 is not understood
            []a]; this class at character 1 is not understood
            [z-a]; a range that ends before it begins at character 4 is not understood
            \\p{Klingon}; the property 'Klingon' at character 11 is not understood
            a{2,1}; a count that ends before it begins at character 6 is not understood
            a{x}; the count 'x' at character 4 is not understood
            \\x{110000}; the number '110000' at character 10 is not understood
            """)
    void saysWhatIsNotUnderstood(String pattern, String message) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> TokenPattern.read(pattern))
                        .getMessage());
    }

    @Test
    void refusesDeepNesting() {
        String deep = "(".repeat(100_000) + "a" + ")".repeat(100_000);
        assertThrows(IllegalArgumentException.class, () -> TokenPattern.read(deep));
        assertThrows(IllegalArgumentException.class, () -> TokenPattern.read("[".repeat(100_000)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', ignoreLeadingAndTrailingWhitespace = false, textBlock = """
[a-c&&[^b]];ac;bd
[^\\r\\n\\p{L}];1 ́;aé
[[:digit:]x-z-];5y-;aw
\\P{Lu};a1;AÉ
\\p{^Lu};a1;AÉ
\\x41;A;a
[\\u0041-\\x{43}];ABC;Dab
[\\]\\[\\-];][-;\\a
(?i:k);kKK;a
.;a;␊
(?m:.);a␊;
\\h;aF9;gG
[\\w-.];a-._;!
\\p{Han};日;で
""")
    void readsSets(String pattern, String held, String others) {
        TokenPattern read = TokenPattern.read(pattern);
        held.replace('␊', '\n').codePoints().forEach(c -> assertTrue(read.alwaysBeginsAt(c, 'x'), () -> "" + (char) c));
        if (others != null) {
            others.replace('␊', '\n')
                    .codePoints()
                    .forEach(c -> assertFalse(read.alwaysBeginsAt(c, 'x'), () -> "" + (char) c));
        }
    }

    @Test
    void saysWhichCharactersAMatchMayHoldTogether() {
        assertFalse(LLAMA3.mayCross('a', ' '));
        assertFalse(LLAMA3.mayCross('a', '\n'));
        assertFalse(LLAMA3.mayCross('1', 'a'));
        assertTrue(LLAMA3.mayCross('a', 'b'));
        assertTrue(LLAMA3.mayCross(' ', 'a'));
        assertTrue(LLAMA3.mayCross('!', '\n'));
        assertTrue(LLAMA3.mayCross('\'', 's'));
        // \s+(?!\S) looks at what follows.
        assertTrue(TokenPattern.read("\\s+(?!\\S)").mayCross(' ', 'a'));
        assertFalse(TokenPattern.read("\\s+(?!\\S)").mayCross('a', 'a'));
        assertTrue(TokenPattern.read("a$").mayCross('a', 'b'));
        assertFalse(TokenPattern.read("a$").mayCross('b', 'b'));
        assertTrue(TokenPattern.read("(?<=a)b").mayCross('a', 'b'));
        assertTrue(TokenPattern.read("^b").mayCross('a', 'b'));
        assertTrue(TokenPattern.read("a(?=bc)").mayCross('b', 'c'));
        assertTrue(TokenPattern.read("a*").mayCross('x', 'y'));
    }

    @Test
    void saysWhereAMatchIsSureToBegin() {
        assertTrue(LLAMA3.alwaysBeginsAt(' ', 'a'));
        assertTrue(LLAMA3.alwaysBeginsAt('\n', 'a'));
        TokenPattern bloom = TokenPattern.read(PublishedPatterns.wordsOf("BLOOM"));
        assertTrue(bloom.alwaysBeginsAt(' ', 'a'));
        assertFalse(bloom.alwaysBeginsAt(' ', ','));
        assertFalse(TokenPattern.read("a(?!b)").alwaysBeginsAt('a', 'b'));
    }

    @Test
    void knowsTheShortestMatch() {
        assertEquals(2, TokenPattern.read("a?b(?:c|de)f*(?=g)").leastLength());
        assertEquals(6, TokenPattern.read("(?:ab){3,}").leastLength());
        assertEquals(0, TokenPattern.read("a*").leastLength());
    }
}
