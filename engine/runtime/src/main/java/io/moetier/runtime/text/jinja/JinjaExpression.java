package io.moetier.runtime.text.jinja;

/// An expression of a template, read once and evaluated as often as it is met.
interface JinjaExpression {
    Object value(JinjaInterpreter in);
}
