package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The arguments of a call.
///
/// @param positional those without a name, in order
/// @param named those with one
record JinjaArguments(List<Object> positional, Map<String, Object> named) {
    static JinjaArguments of(Object... positional) {
        return new JinjaArguments(List.of(positional), Map.of());
    }

    /// Returns these arguments behind another one.
    JinjaArguments after(Object first) {
        List<Object> all = new ArrayList<>(positional.size() + 1);
        all.add(first);
        all.addAll(positional);
        return new JinjaArguments(all, named);
    }

    /// Returns these arguments without the first `count`.
    JinjaArguments from(int count) {
        return new JinjaArguments(positional.subList(Math.min(count, positional.size()), positional.size()), named);
    }

    int size() {
        return positional.size();
    }

    /// Finds an argument by its place or its name.
    Optional<Object> find(int index, String name) {
        return Optional.ofNullable(index < positional.size() ? positional.get(index) : named.get(name));
    }

    Object get(int index, String name) {
        return find(index, name).orElseThrow(() -> new JinjaException("the argument '" + name + "' is missing"));
    }

    String string(int index, String name) {
        return string(index, name, get(index, name));
    }

    String string(int index, String name, Object absent) {
        Object value = find(index, name).orElse(absent);
        if (value instanceof String text) {
            return text;
        }
        throw new JinjaException("the argument '" + name + "' is no string but " + PythonValues.type(value));
    }

    long integer(int index, String name, long absent) {
        return find(index, name).map(value -> PythonValues.integer(value, name)).orElse(absent);
    }

    boolean flag(int index, String name, boolean absent) {
        return find(index, name).map(PythonValues::isTrue).orElse(absent);
    }
}
