package io.moetier.storage.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    void aKeyIsLeftOut() {
        assertFalse(OBJECT.without("a").has("a"));
        assertTrue(OBJECT.without("a").has("inner"));
        assertTrue(OBJECT.has("a"));
    }
}
