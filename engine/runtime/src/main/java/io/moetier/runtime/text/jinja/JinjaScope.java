package io.moetier.runtime.text.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The variables of a block, within those of the blocks around it.
final class JinjaScope {
    private final @Nullable JinjaScope outer;
    private final Map<String, Object> values = new HashMap<>();

    JinjaScope(@Nullable JinjaScope outer) {
        this.outer = outer;
    }

    /// Returns the value of a variable, or [Absent#UNDEFINED].
    Object get(String name) {
        for (JinjaScope scope = this; scope != null; scope = scope.outer) {
            Object value = scope.values.get(name);
            if (value != null) {
                return value;
            }
        }
        return Absent.UNDEFINED;
    }

    void set(String name, Object value) {
        values.put(name, value);
    }

    /// Forgets the variables of this block; a loop does before each round.
    void clear() {
        values.clear();
    }
}
