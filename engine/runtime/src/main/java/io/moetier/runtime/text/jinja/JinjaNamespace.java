package io.moetier.runtime.text.jinja;

import java.util.HashMap;
import java.util.Map;

/// What `namespace(…)` makes: variables that a template may set from within a loop.
final class JinjaNamespace {
    private final Map<String, Object> values = new HashMap<>();

    Object get(String name) {
        return values.getOrDefault(name, Absent.UNDEFINED);
    }

    void set(String name, Object value) {
        values.put(name, value);
    }
}
