package io.moetier.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The filters of Jinja that make one value of another, and the way to all of them by name.
final class JinjaFilters {
    /// Digits of an integer; more are none to Python either.
    private static final int MAX_DIGITS = 4300;

    private static final Pattern NO_NUMBER = Pattern.compile("(?i)([+-]?)(?:nan|(inf(?:inity)?))");

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
            return value instanceof String text ? parsed(text.strip()) : PythonValues.real(value);
        } catch (NumberFormatException | JinjaException e) {
            return arguments.find(1, "default").orElse(0.0);
        }
    }

    private static Object integer(Object value, JinjaArguments arguments) {
        BigInteger found;
        try {
            found = switch (value) {
                case String text -> whole(text.strip(), arguments.integer(2, "base", 10));
                case Double number -> whole(number);
                default -> BigInteger.valueOf(PythonValues.integer(value, ""));
            };
        } catch (NumberFormatException | JinjaException e) {
            return arguments.find(1, "default").orElse(0L);
        }
        return in64Bits(found);
    }

    private static long in64Bits(BigInteger number) {
        if (number.bitLength() >= Long.SIZE) {
            throw new JinjaException("an integer is beyond 64 bits");
        }
        return number.longValue();
    }

    /// Reads an integer, or else what is before the point of a float.
    private static BigInteger whole(String text, long base) {
        try {
            if (text.length() <= MAX_DIGITS) {
                return new BigInteger(digits(text, base), (int) base);
            }
        } catch (NumberFormatException e) {
            // it may be a float
        }
        return whole(parsed(text));
    }

    /// @throws NumberFormatException for what is no number
    private static BigInteger whole(double number) {
        return new BigDecimal(number).toBigInteger();
    }

    /// Drops what Python lets stand in an integer beside its sign and digits.
    private static String digits(String text, long base) {
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
        return text.replaceFirst("(?i)^([+-]?)" + prefix, "$1").replaceAll("(?<=\\p{Alnum})_(?=\\p{Alnum})", "");
    }

    /// Reads a float as Python writes one, `nan` and `inf` among them: Java's letters at its end, and its hexadecimal
    /// digits, are none.
    private static double parsed(String text) {
        Matcher named = NO_NUMBER.matcher(text);
        if (named.matches()) {
            double infinity = named.group(1).equals("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
            return named.group(2) == null ? Double.NaN : infinity;
        }
        if (!PythonStrings.all(text, c -> "0123456789+-.eE_".indexOf(c) >= 0)) {
            throw new NumberFormatException("no float of Python's");
        }
        return Double.parseDouble(digits(text, 10));
    }

    private static Object round(Object value, JinjaArguments arguments) {
        long precision = Math.clamp(arguments.integer(1, "precision", 0), -300, 300);
        RoundingMode mode = switch (arguments.string(2, "method", "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new JinjaException("round knows common, ceil and floor only");
        };
        if (PythonValues.isInteger(value) && mode == RoundingMode.HALF_EVEN) {
            BigDecimal whole = BigDecimal.valueOf(PythonValues.integer(value, ""));
            return in64Bits(whole.setScale((int) Math.min(precision, 0), mode).toBigInteger());
        }
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
