package io.moetier.runtime.text.jinja;

import java.util.AbstractList;
import java.util.List;

/// A list that cannot be changed, and is written in parentheses.
final class PythonTuple extends AbstractList<Object> {
    private final List<Object> elements;

    PythonTuple(List<Object> elements) {
        this.elements = elements;
    }

    static PythonTuple of(Object... elements) {
        return new PythonTuple(List.of(elements));
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
