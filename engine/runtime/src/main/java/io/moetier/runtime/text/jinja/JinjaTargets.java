package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.List;

/// The names that a value is given to: one, a field of a namespace, or several that share its elements.
///
/// @param names each a name, or a name, a dot and the name of a field
record JinjaTargets(List<String> names) {
    static JinjaTargets read(JinjaParser parser) {
        boolean enclosed = parser.skip("(");
        List<String> names = new ArrayList<>();
        do {
            String name = parser.name();
            names.add(parser.skip(".") ? name + "." + parser.name() : name);
        } while (parser.skip(","));
        if (enclosed) {
            parser.expect(")");
        }
        return new JinjaTargets(List.copyOf(names));
    }

    void assign(Object value, JinjaScope scope, JinjaBudget budget) {
        if (names.size() == 1) {
            assign(names.getFirst(), value, scope);
            return;
        }
        List<Object> values = PythonValues.elements(value, budget);
        if (values.size() != names.size()) {
            throw new JinjaException(names.size() + " names cannot share " + values.size() + " values");
        }
        for (int i = 0; i < names.size(); i++) {
            assign(names.get(i), values.get(i), scope);
        }
    }

    private static void assign(String name, Object value, JinjaScope scope) {
        int dot = name.indexOf('.');
        if (dot < 0) {
            scope.set(name, value);
        } else if (scope.get(name.substring(0, dot)) instanceof JinjaNamespace namespace) {
            namespace.set(name.substring(dot + 1), value);
        } else {
            throw new JinjaException("'" + name.substring(0, dot) + "' is no namespace, so no field of it can be set");
        }
    }
}
