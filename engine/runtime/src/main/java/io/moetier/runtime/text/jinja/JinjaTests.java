package io.moetier.runtime.text.jinja;

import java.util.List;
import java.util.Map;

/// The tests of Jinja, which stand behind `is`.
final class JinjaTests {
    private JinjaTests() {}

    static JinjaFunction named(String name) {
        return (in, arguments) -> test(name, arguments.get(0, "value"), arguments, in.budget());
    }

    private static boolean test(String name, Object value, JinjaArguments arguments, JinjaBudget budget) {
        return switch (name) {
            case "boolean" -> value instanceof Boolean;
            case "callable" -> value instanceof JinjaFunction;
            case "defined" -> value != Absent.UNDEFINED;
            case "undefined" -> value == Absent.UNDEFINED;
            case "divisibleby" -> remainder(value, arguments.get(1, "num")) == 0;
            case "even" -> remainder(value, 2L) == 0;
            case "odd" -> remainder(value, 2L) != 0;
            case "false" -> Boolean.FALSE.equals(value);
            case "true" -> Boolean.TRUE.equals(value);
            case "float" -> value instanceof Double;
            case "integer" -> value instanceof Long;
            case "number" -> PythonValues.isNumber(value);
            case "iterable", "sequence" ->
                value instanceof String || value instanceof List || value instanceof Map || value == Absent.UNDEFINED;
            case "mapping" -> value instanceof Map;
            case "none" -> value == Absent.NONE;
            case "string" -> value instanceof String;
            case "sameas" -> same(value, arguments.get(1, "other"));
            case "lower" ->
                PythonCharacters.call(PythonText.str(value, budget), "islower", arguments, budget)
                        .equals(true);
            case "upper" ->
                PythonCharacters.call(PythonText.str(value, budget), "isupper", arguments, budget)
                        .equals(true);
            default -> PythonOperators.compare(operator(name), value, arguments.get(1, "other"), budget);
        };
    }

    private static String operator(String name) {
        return switch (name) {
            case "==", "eq", "equalto" -> "==";
            case "!=", "ne" -> "!=";
            case "<", "lt", "lessthan" -> "<";
            case "<=", "le" -> "<=";
            case ">", "gt", "greaterthan" -> ">";
            case ">=", "ge" -> ">=";
            case "in" -> "in";
            default -> throw new JinjaException("unknown test '" + name + "'");
        };
    }

    private static long remainder(Object value, Object divisor) {
        long by = PythonValues.integer(divisor, "num");
        if (by == 0) {
            throw new JinjaException("a number is divided by zero");
        }
        return Math.floorMod(PythonValues.integer(value, "a value that is tested"), by);
    }

    @SuppressWarnings("ReferenceEquality") // what `sameas` asks for
    private static boolean same(Object value, Object other) {
        boolean changes = value instanceof List || value instanceof Map;
        return changes ? value == other : value.equals(other);
    }
}
