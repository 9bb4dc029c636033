package io.moetier.runtime.text.jinja;

/// What stands in brackets behind a value: an index, a key, or the bounds of a slice.
final class JinjaSubscript {
    private final JinjaExpression base;
    private final JinjaParser parser;

    /// Begins behind the opening bracket.
    JinjaSubscript(JinjaExpression base, JinjaParser parser) {
        this.base = base;
        this.parser = parser;
    }

    /// Reads through the closing bracket.
    JinjaExpression expression() {
        JinjaExpression first = bound();
        if (!parser.skip(":")) {
            if (parser.skip("]")) {
                return in -> PythonValues.item(base.value(in), first.value(in), in.budget());
            }
            throw parser.unexpected("']'");
        }
        JinjaExpression end = bound();
        JinjaExpression step = parser.skip(":") ? bound() : in -> Absent.NONE;
        parser.expect("]");
        return in -> PythonValues.slice(base.value(in), first.value(in), end.value(in), step.value(in), in.budget());
    }

    private JinjaExpression bound() {
        return parser.at(":") || parser.at("]") ? in -> Absent.NONE : parser.tuple();
    }
}
