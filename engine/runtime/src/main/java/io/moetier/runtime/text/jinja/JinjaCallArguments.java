package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The arguments of a call as they are written, to be evaluated with each call.
final class JinjaCallArguments {
    private final List<JinjaExpression> positional = new ArrayList<>();
    private final Map<String, JinjaExpression> named = new LinkedHashMap<>();

    private JinjaCallArguments() {}

    /// Reads from behind the opening parenthesis through the closing one.
    JinjaCallArguments(JinjaParser parser) {
        while (!parser.skip(")")) {
            if (parser.atNamed()) {
                String name = parser.name();
                parser.expect("=");
                named.put(name, parser.expression());
            } else {
                positional.add(parser.expression());
            }
            if (!parser.at(")")) {
                parser.expect(",");
            }
        }
    }

    static JinjaCallArguments none() {
        return new JinjaCallArguments();
    }

    static JinjaCallArguments of(JinjaExpression only) {
        JinjaCallArguments arguments = new JinjaCallArguments();
        arguments.positional.add(only);
        return arguments;
    }

    JinjaArguments values(JinjaInterpreter in) {
        List<Object> values = new ArrayList<>(positional.size());
        positional.forEach(argument -> values.add(argument.value(in)));
        Map<String, Object> byName = new LinkedHashMap<>();
        named.forEach((name, argument) -> byName.put(name, argument.value(in)));
        return new JinjaArguments(values, byName);
    }
}
