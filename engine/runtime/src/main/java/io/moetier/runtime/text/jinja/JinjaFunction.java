package io.moetier.runtime.text.jinja;

/// What a template calls by a name: a function, a filter, a test or a macro.
interface JinjaFunction {
    /// Returns the value of the call; a filter or a test finds what it is applied to as the first argument.
    Object call(JinjaInterpreter in, JinjaArguments arguments);
}
