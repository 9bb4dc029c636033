package io.moetier.runtime.text.jinja;

import java.util.AbstractList;
import java.util.List;

/// A list that cannot be changed, and is written in parentheses; its elements may have names as well.
final class PythonTuple extends AbstractList<Object> {
    private final List<Object> elements;
    private final List<String> names;

    private PythonTuple(List<Object> elements, List<String> names) {
        this.elements = elements;
        this.names = names;
    }

    PythonTuple(List<Object> elements) {
        this(elements, List.of());
    }

    static PythonTuple of(Object... elements) {
        return new PythonTuple(List.of(elements));
    }

    static PythonTuple named(List<String> names, Object... elements) {
        return new PythonTuple(List.of(elements), names);
    }

    /// Returns `elements` as what `like` is: a tuple, or a list as they are.
    static List<Object> as(List<?> like, List<Object> elements) {
        return like instanceof PythonTuple ? new PythonTuple(elements) : elements;
    }

    /// Says whether both are tuples, or both are lists.
    static boolean isSameKind(List<?> a, List<?> b) {
        return a instanceof PythonTuple == b instanceof PythonTuple;
    }

    /// Returns the element of a name, or [Absent#UNDEFINED].
    Object field(String name) {
        int index = names.indexOf(name);
        return index < 0 ? Absent.UNDEFINED : elements.get(index);
    }

    @Override
    public Object get(int index) {
        return elements.get(index);
    }

    @Override
    public int size() {
        return elements.size();
    }
}
