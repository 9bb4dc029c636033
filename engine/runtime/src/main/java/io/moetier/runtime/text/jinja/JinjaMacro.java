package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.tree.Node;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A part of a template that is called by a name, with arguments.
///
/// @param header what its tag says
/// @param body its nodes
/// @param around the variables of the place where it is written
record JinjaMacro(Header header, List<Node> body, JinjaScope around) implements JinjaFunction {
    /// What a call takes beside its body.
    private static final int STEPS = 8;

    /// The name of a macro and its parameters with their defaults.
    record Header(String name, Map<String, JinjaExpression> parameters) {
        static Header read(JinjaParser parser) {
            String name = parser.name();
            parser.expect("(");
            return new Header(name, parameters(parser));
        }

        /// Reads from behind the opening parenthesis through the closing one.
        static Map<String, JinjaExpression> parameters(JinjaParser parser) {
            Map<String, JinjaExpression> parameters = new LinkedHashMap<>();
            while (!parser.skip(")")) {
                String parameter = parser.name();
                parameters.put(parameter, parser.skip("=") ? parser.expression() : in -> Absent.UNDEFINED);
                if (!parser.at(")")) {
                    parser.expect(",");
                }
            }
            return parameters;
        }
    }

    /// A call of a macro that finds the text up to `endcall` as its function `caller`.
    ///
    /// @param parameters those of `caller`
    /// @param macro the name of the macro
    /// @param arguments what it is called with
    record Call(Map<String, JinjaExpression> parameters, String macro, JinjaCallArguments arguments) {
        static Call read(JinjaParser parser) {
            Map<String, JinjaExpression> parameters = parser.skip("(") ? Header.parameters(parser) : Map.of();
            String macro = parser.name();
            parser.expect("(");
            return new Call(parameters, macro, new JinjaCallArguments(parser));
        }

        Object value(JinjaInterpreter in, List<Node> body) {
            JinjaArguments given = arguments.values(in);
            Map<String, Object> named = new LinkedHashMap<>(given.named());
            named.put("caller", new JinjaMacro(new Header("caller", parameters), body, in.scope()));
            return in.function(macro).call(in, new JinjaArguments(given.positional(), named));
        }
    }

    @Override
    public Object call(JinjaInterpreter in, JinjaArguments arguments) {
        in.budget().steps(STEPS + arguments.size());
        JinjaScope scope = new JinjaScope(around);
        Map<String, Object> others = new LinkedHashMap<>(arguments.named());
        int index = 0;
        for (Map.Entry<String, JinjaExpression> parameter : header.parameters().entrySet()) {
            String name = parameter.getKey();
            if (index >= arguments.size()) {
                others.remove(name);
            }
            scope.set(name, arguments.find(index++, name).orElseGet(() -> in.evaluate(parameter.getValue(), scope)));
        }
        requireWanted(arguments.size() > index, "varargs", "not more than " + index + " arguments");
        if (others.get("caller") instanceof JinjaFunction caller) {
            requireWanted(true, "caller", "no text of a call");
            scope.set("caller", caller);
            others.remove("caller");
        }
        requireWanted(!others.isEmpty(), "kwargs", "no arguments of the names " + others.keySet());
        scope.set("kwargs", new LinkedHashMap<Object, Object>(others));
        scope.set("varargs", new PythonTuple(arguments.from(index).positional()));
        return in.call(body, scope);
    }

    /// Refuses arguments for which the macro has no parameter, unless it asks by `name` for those.
    private void requireWanted(boolean given, String name, String accepted) {
        if (given && !mentions(body, name)) {
            throw new JinjaException("macro '" + header.name() + "' takes " + accepted);
        }
    }

    private static boolean mentions(List<Node> nodes, String name) {
        return nodes.stream()
                .anyMatch(node -> node.getMaster().getImage().contains(name) || mentions(node.getChildren(), name));
    }
}
