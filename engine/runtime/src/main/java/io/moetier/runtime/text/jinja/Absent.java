package io.moetier.runtime.text.jinja;

/// What stands in a template for no value, so that a value is never `null`.
enum Absent {
    /// Python's `None`: a value that says that there is none.
    NONE,
    /// A name, a field or an element that does not exist.
    UNDEFINED;

    @Override
    public String toString() {
        return this == NONE ? "None" : "";
    }
}
