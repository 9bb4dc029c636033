package io.moetier.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Python's two ways to format: `'%s' % value`, and `'{}'.format(value)`.
final class PythonFormat {
    private static final Pattern PERCENT =
            Pattern.compile("%(?:\\((\\w{1,100})\\))?([-+ 0#]{0,5})(\\d{0,18})(?:\\.(\\d{0,3}))?([a-zA-Z%])?");
    private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{(\\w{0,100})(?:!([rs]))?"
            + "(?::(?:(.)?([<>^]))?([-+ ]?)(0?)(\\d{0,18})([,_]?)(?:\\.(\\d{1,3}))?([sdxXobf%]?))?}|[{}]");

    private static final Pattern THOUSAND = Pattern.compile("(?<=\\d)(?=(?:\\d{3})+(?!\\d))(?<![.]\\d{0,999})");

    private final JinjaBudget budget;
    private final StringBuilder out = new StringBuilder();
    private int next;

    private PythonFormat(JinjaBudget budget) {
        this.budget = budget;
    }

    static String percent(String format, Object values, JinjaBudget budget) {
        return new PythonFormat(budget).percent(format, values);
    }

    static String braces(String format, JinjaArguments values, JinjaBudget budget) {
        return new PythonFormat(budget).braces(format, values);
    }

    private String percent(String format, Object values) {
        budget.characters(format.length());
        List<?> list = values instanceof PythonTuple several ? several : List.of(values);
        Matcher field = PERCENT.matcher(format);
        int from = 0;
        while (field.find()) {
            out.append(format, from, field.start());
            from = field.end();
            String type = field.group(5) == null ? "" : field.group(5);
            if (type.equals("%")) {
                out.append('%');
            } else {
                Object value =
                        field.group(1) == null ? positional(list) : PythonValues.attribute(values, field.group(1));
                String flags = field.group(2);
                if (flags.contains("#") || type.equals("b")) {
                    throw unsupported();
                }
                char align = flags.contains("-") ? '<' : '>';
                boolean zeros = flags.contains("0") && align == '>';
                String sign = flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
                boolean number = PythonValues.isNumber(value) && !type.equals("s") && !type.equals("r");
                String text = converted(value, type, precision(field.group(4)));
                put(text, number, " ", align, zeros, field.group(3), sign);
            }
        }
        if (next < list.size()
                && (values instanceof PythonTuple || !(values instanceof Map || values instanceof List))) {
            throw new JinjaException("a format has fewer fields than values");
        }
        return out.append(format, from, format.length()).toString();
    }

    private String braces(String format, JinjaArguments values) {
        budget.characters(format.length());
        Matcher field = BRACES.matcher(format);
        int from = 0;
        while (field.find()) {
            out.append(format, from, field.start());
            from = field.end();
            String found = field.group();
            if (found.equals("{{") || found.equals("}}")) {
                out.append(found.charAt(0));
            } else if (field.group(1) == null) {
                throw unsupported();
            } else {
                put(field, named(field.group(1), values));
            }
        }
        return out.append(format, from, format.length()).toString();
    }

    private void put(Matcher field, Object given) {
        Object value = field.group(2) == null
                ? given
                : field.group(2).equals("r") ? PythonText.repr(given, budget) : PythonText.str(given, budget);
        int specification = field.group().indexOf(':');
        if (specification < 0 || specification == field.group().length() - 2) {
            put(PythonText.str(value, budget), false, " ", '<', false, "", "");
            return;
        }
        boolean number = PythonValues.isNumber(value);
        boolean zero = field.group(6).equals("0");
        boolean zeros = number && zero && field.group(4) == null;
        String fill = field.group(3) != null ? field.group(3) : zero ? "0" : " ";
        char align = field.group(4) != null ? field.group(4).charAt(0) : number ? '>' : '<';
        String text = specified(value, field.group(10), precision(field.group(9)));
        String grouping = field.group(8);
        boolean decimal = field.group(10).isEmpty() || !"xXob".contains(field.group(10));
        if (!grouping.isEmpty() && (!number || zeros || !decimal)) {
            throw unsupported();
        }
        put(grouped(text, grouping), number, fill, align, zeros, field.group(7), field.group(5));
    }

    /// Returns a value as a field in braces has it that says how: a text, or a number of a type that fits it.
    private String specified(Object value, String type, int precision) {
        return switch (value) {
            case String text when type.isEmpty() || type.equals("s") -> converted(text, "s", precision);
            case Double number
            when type.isEmpty() -> precision < 0 ? PythonText.real(number) : general(number, precision);
            case Double number when type.equals("f") -> converted(number, type, precision);
            case Double number when type.equals("%") -> converted(number * 100, "f", precision) + "%";
            case Boolean flag -> specified(flag ? 1L : 0L, type, precision);
            case Long number
            when "f%".contains(type) && !type.isEmpty() -> specified(number.doubleValue(), type, precision);
            case Long number
            when precision < 0 && !type.equals("s") -> converted(number, type.isEmpty() ? "d" : type, precision);
            default -> throw unsupported();
        };
    }

    /// Writes a float with as many digits as `precision` says, and with an exponent where these do not reach its point.
    private static String general(double number, int precision) {
        if (number == 0 || Double.isNaN(number) || Double.isInfinite(number)) {
            return PythonText.real(number);
        }
        BigDecimal exact = new BigDecimal(number)
                .round(new MathContext(Math.max(1, precision), RoundingMode.HALF_EVEN))
                .stripTrailingZeros();
        int exponent = exact.precision() - exact.scale() - 1;
        return exponent < -4 || exponent >= Math.max(1, precision) - 1
                ? PythonText.scientific(exact)
                : PythonText.plain(exact);
    }

    /// Puts a mark between the digits of every thousand.
    private static String grouped(String text, String mark) {
        return mark.isEmpty() ? text : THOUSAND.matcher(text).replaceAll(mark);
    }

    private static int precision(@Nullable String digits) {
        return digits == null ? -1 : digits.isEmpty() ? 0 : Integer.parseInt(digits);
    }

    private static JinjaException unsupported() {
        return new JinjaException("a format has a field that is not supported");
    }

    private Object named(String name, JinjaArguments values) {
        if (name.isEmpty()) {
            return positional(values.positional());
        }
        if (!Character.isDigit(name.charAt(0))) {
            return values.get(Integer.MAX_VALUE, name);
        }
        return values.get(name.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(name), name);
    }

    private Object positional(List<?> values) {
        if (next >= values.size()) {
            throw new JinjaException("a format has more fields than values");
        }
        return values.get(next++);
    }

    private void put(String text, boolean number, String fill, char align, boolean zeros, String width, String sign) {
        String signed = number && !text.startsWith("-") && !sign.equals("-") ? sign + text : text;
        long missing =
                Math.max(0, (width.isEmpty() ? 0 : Long.parseLong(width)) - signed.codePointCount(0, signed.length()));
        if (zeros && number) {
            int digits = signed.isEmpty() || "+- ".indexOf(signed.charAt(0)) < 0 ? 0 : 1;
            out.append(signed, 0, digits)
                    .append(PythonCharacters.pad(signed.substring(digits), "0", missing, 0, budget));
            return;
        }
        long left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
        out.append(PythonCharacters.pad(signed, fill, left, missing - left, budget));
    }

    private String converted(Object value, String type, int precision) {
        return switch (type) {
            case "s" -> {
                String text = PythonText.str(value, budget);
                budget.characters(text.length());
                yield precision >= 0 ? PythonStrings.substring(text, 0L, (long) precision, budget) : text;
            }
            case "r" -> PythonText.repr(value, budget);
            case "d", "i", "u" ->
                Long.toString(value instanceof Double number ? number.longValue() : PythonValues.integer(value, "%d"));
            case "x" -> Long.toString(PythonValues.integer(value, "%x"), 16);
            case "X" -> Long.toString(PythonValues.integer(value, "%X"), 16).toUpperCase(Locale.ROOT);
            case "o" -> Long.toString(PythonValues.integer(value, "%o"), 8);
            case "b" -> Long.toString(PythonValues.integer(value, "%b"), 2);
            case "f", "F" -> fixed(PythonValues.real(value), precision < 0 ? 6 : precision);
            default -> throw unsupported();
        };
    }

    private static String fixed(double number, int digits) {
        return Double.isNaN(number) || Double.isInfinite(number)
                ? (Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf")
                : new BigDecimal(number)
                        .setScale(digits, RoundingMode.HALF_EVEN)
                        .toPlainString();
    }
}
