package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class JsonObjectTest {
    private static final JsonObject OBJECT = Json.parseObject(
            "{\"a\": 1, \"inner\": {\"b\": 2}, \"many\": [{\"c\": 3}]}".getBytes(StandardCharsets.UTF_8),
            Path.of("x.json"));

    @Test
    void everyKeyThatIsAskedForIsReported() {
        List<String> asked = new ArrayList<>();
        JsonObject reporting = OBJECT.reporting(asked::add).withDefaults(Map.of("d", 4));
        assertEquals(1, reporting.requireInt("a"));
        assertFalse(reporting.has("missing"));
        assertEquals(2, reporting.requireObject("inner").requireInt("b"));
        assertEquals(3, reporting.requireObjects("many").getFirst().requireInt("c"));
        assertEquals(4, reporting.requireInt("d"));
        assertEquals(List.of("a", "missing", "inner", "inner.b", "many", "many[0].c", "d"), asked);
    }

    @Test
    void noMoreIsReadThanAFileOfOursHas() {
        assertEquals(
                "/dev/zero: size: expected at most 1000 bytes, found more",
                assertThrows(MalformedModelException.class, () -> Json.readObject(Path.of("/dev/zero"), 1000))
                        .getMessage());
    }

    @Test
    void aKeyIsLeftOut() {
        assertFalse(OBJECT.without("a").has("a"));
        assertTrue(OBJECT.without("a").has("inner"));
        assertTrue(OBJECT.has("a"));
    }

    @Test
    void numbersBeyondTheRangeOfTheirTypeAreRefusedByName() {
        assertEquals(
                "x.json: theta: expected a finite number of 64 bits, found Infinity",
                refusal("{\"theta\": 1e999}", json -> json.requireDouble("theta")));
        assertEquals(
                "x.json: in.theta: expected a finite number of 64 bits, found -Infinity",
                refusal(
                        "{\"in\": {\"theta\": -1e999}}",
                        json -> json.requireObject("in").optionalDouble("theta")));
        assertEquals(
                "x.json: f: expected finite numbers of 64 bits, found [1.0, Infinity]",
                refusal("{\"f\": [1.0, 1e400]}", json -> json.requireDoubles("f")));
        assertEquals(
                "x.json: n: expected an integer from -2147483648 to 2147483647, found 2147483648",
                refusal("{\"n\": 2147483648}", json -> json.requireInt("n")));
        assertEquals(
                "x.json: n: expected an integer of 64 bits, found 99999999999999999999",
                refusal("{\"n\": 99999999999999999999}", json -> json.requireInt("n")));
    }

    /// Python writes them into configurations, where nobody may ask for them.
    @Test
    void numbersThatAreNotFiniteAreReadAndRefusedWhereTheyAreAskedFor() {
        assertEquals(7, parse("{\"a\": [0.0, Infinity], \"b\": NaN, \"c\": 7}").requireInt("c"));
        assertEquals(
                "x.json: a: expected finite numbers of 64 bits, found [0.0, Infinity]",
                refusal("{\"a\": [0.0, Infinity]}", json -> json.requireDoubles("a")));
        assertEquals(
                "x.json: b: expected a finite number of 64 bits, found NaN",
                refusal("{\"b\": NaN}", json -> json.requireDouble("b")));
    }

    @Test
    void aTextInPlaceOfANumberIsShownInQuotes() {
        assertEquals(
                "x.json: n: expected an integer, found \"64\"",
                refusal("{\"n\": \"64\"}", json -> json.requireInt("n")));
        assertEquals(
                "x.json: n: expected a number, found \"NaN\"",
                refusal("{\"n\": \"NaN\"}", json -> json.requireDouble("n")));
        assertEquals(
                "x.json: n: expected an integer, found nothing",
                refusal("{\"n\": null}", json -> json.requireInt("n")));
    }

    @Test
    void anObjectOfAnotherFileIsNamedAsItIsThere() {
        JsonObject other = Json.parseObject("{\"b\": \"c\"}".getBytes(StandardCharsets.UTF_8), Path.of("y.bin"))
                .spelled(Map.of("b", "y.b"));
        JsonObject both = OBJECT.with("inner", other).withDefaults(Map.of("d", 4));
        assertEquals(Map.of("b", "c"), both.asMap().get("inner"));
        assertEquals(
                "y.bin: y.b: expected an integer, found \"c\"",
                assertThrows(
                                MalformedModelException.class,
                                () -> both.requireObject("inner").requireInt("b"))
                        .getMessage());
        assertEquals("x.json", both.source().toString());
        assertFalse(both.without("inner").has("inner"));
        assertEquals(2, OBJECT.requireObject("inner").requireInt("b"));
    }

    @Test
    void aByteOrderMarkIsSkipped() {
        assertEquals(1, parse("\uFEFF{\"a\": 1}").requireInt("a"));
    }

    @Test
    void whatIsNoJsonIsToldInPlainWordsWithItsPlace() {
        assertEquals(
                "x.json: not a JSON object: line 2, column 6: the text ends too early: expected close marker for Object"
                        + " for that of line 1, column 1",
                refusal("{\"a\":\n 1234", json -> {}));
        assertEquals("x.json: not a JSON object: it is empty", refusal("", json -> {}));
        assertEquals("x.json: not a JSON object: it does not begin with a brace", refusal("[]", json -> {}));
        for (String text : List.of(
                "{\"a\": " + "[".repeat(100_000),
                "{\"a\": " + "9".repeat(100_000) + "}",
                "{\"a\": \"b\nc\"}",
                "{\"a\": 1]",
                "{a: 1}",
                "{\"a\": /* b */ 1}",
                "{\"a\": \"\\x\"}",
                "{\"" + "a".repeat(60_000) + "\": 1}")) {
            String sentence = refusal(text, json -> {});
            assertTrue(sentence.matches("x.json: not a JSON object: line \\d+, column \\d+: .*"), sentence);
            assertFalse(
                    sentence.matches(".*(Source|Stream|Feature|REDACTED|JSON\\w*Exception|getMax|CTRL).*"), sentence);
        }
    }

    private static String refusal(String text, Consumer<JsonObject> read) {
        return String.valueOf(assertThrows(MalformedModelException.class, () -> read.accept(parse(text)))
                .getMessage());
    }

    private static JsonObject parse(String text) {
        return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), Path.of("x.json"));
    }
}
