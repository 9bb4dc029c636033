package io.moetier.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;

/// The filters of Jinja that make one value of another, and the way to all of them by name.
final class JinjaFilters {
    private JinjaFilters() {}

    static JinjaFunction named(String name) {
        return (in, arguments) -> apply(name, in, arguments);
    }

    private static Object apply(String name, JinjaInterpreter in, JinjaArguments arguments) {
        Object value = arguments.get(0, "value");
        JinjaBudget budget = in.budget();
        return switch (name) {
            case "abs" -> PythonValues.compare(value, 0L, budget) < 0 ? PythonOperators.negate(value) : value;
            case "attr" ->
                value instanceof Map ? Absent.UNDEFINED : PythonValues.attribute(value, arguments.string(1, "name"));
            case "count", "length" -> PythonValues.length(value, budget);
            case "d", "default" -> orDefault(value, arguments);
            case "float" -> real(value, arguments);
            case "int" -> integer(value, arguments);
            case "items" ->
                value == Absent.UNDEFINED
                        ? PythonValues.elements(value, budget)
                        : in.method(value, "items", JinjaArguments.of());
            case "round" -> round(value, arguments);
            case "safe" -> value;
            case "string" -> PythonText.str(value, budget);
            case "tojson" -> PythonJson.write(arguments, budget);
            default -> JinjaListFilters.apply(name, in, arguments);
        };
    }

    private static Object orDefault(Object value, JinjaArguments arguments) {
        boolean falseToo = arguments.flag(2, "boolean", false);
        return value == Absent.UNDEFINED || (falseToo && !PythonValues.isTrue(value))
                ? arguments.find(1, "default_value").orElse("")
                : value;
    }

    private static Object real(Object value, JinjaArguments arguments) {
        try {
            return value instanceof String text ? Double.valueOf(text.strip()) : (Object) PythonValues.real(value);
        } catch (NumberFormatException | JinjaException e) {
            return arguments.find(1, "default").orElse(0.0);
        }
    }

    private static Object integer(Object value, JinjaArguments arguments) {
        Object absent = arguments.find(1, "default").orElse(0L);
        try {
            return switch (value) {
                case String text -> {
                    long base = arguments.integer(2, "base", 10);
                    yield base == 10 ? (long) Double.parseDouble(text.strip()) : Long.parseLong(text, (int) base);
                }
                case Double number -> number.longValue();
                default -> PythonValues.integer(value, "");
            };
        } catch (NumberFormatException | JinjaException e) {
            return absent;
        }
    }

    private static Object round(Object value, JinjaArguments arguments) {
        long precision = Math.clamp(arguments.integer(1, "precision", 0), -300, 300);
        RoundingMode mode = switch (arguments.string(2, "method", "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new JinjaException("round knows common, ceil and floor only");
        };
        double number = PythonValues.real(value);
        return Double.isNaN(number) || Double.isInfinite(number)
                ? number
                : new BigDecimal(number).setScale((int) precision, mode).doubleValue();
    }

    /// Returns the value of `attribute`, which may be a path with dots, of `value`.
    static Object path(Object value, Object attribute, JinjaBudget budget) {
        if (!(attribute instanceof String text)) {
            return PythonValues.item(value, attribute, budget);
        }
        budget.characters(text.length());
        Object found = value;
        for (String part : text.split("\\.", -1)) {
            boolean index = PythonStrings.all(part, c -> c >= '0' && c <= '9') && part.length() < 10;
            found = PythonValues.item(found, index ? (Object) Long.valueOf(part) : part, budget);
        }
        return found;
    }

    /// Returns the arguments of a filter that is applied to each element, without those that say which.
    static JinjaArguments unnamed(JinjaArguments arguments, int count) {
        return new JinjaArguments(arguments.from(count).positional(), Map.of());
    }
}
