package io.moetier.runtime.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Python's two ways to format: `'%s' % value`, and `'{}'.format(value)`.
final class PythonFormat {
    private static final Pattern PERCENT =
            Pattern.compile("%(?:\\((\\w{1,100})\\))?([-+ 0#]{0,5})(\\d{0,18})(?:\\.(\\d{0,3}))?([a-zA-Z%])?");
    private static final Pattern BRACES =
            Pattern.compile("\\{\\{|}}|\\{(\\w{0,100})(?::([<>^]?)(0?)(\\d{0,18})(?:\\.(\\d{0,3}))?([sdfx]?))?}|[{}]");

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
        List<?> list = values instanceof List<?> several ? several : List.of(values);
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
                char align = flags.contains("-") ? '<' : '>';
                boolean zeros = flags.contains("0") && align == '>';
                put(value, type, field.group(4), align, zeros, field.group(3), flags.contains("+"));
            }
        }
        if (next < list.size() && !(values instanceof Map)) {
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
                throw new JinjaException("a format has a field that is not supported");
            } else {
                put(field, named(field.group(1), values));
            }
        }
        return out.append(format, from, format.length()).toString();
    }

    private void put(Matcher field, Object value) {
        String type = field.group(6) == null ? "" : field.group(6);
        String align = field.group(2) == null ? "" : field.group(2);
        char side = !align.isEmpty() ? align.charAt(0) : PythonValues.isNumber(value) ? '>' : '<';
        boolean zeros = "0".equals(field.group(3));
        String width = field.group(4) == null ? "" : field.group(4);
        boolean plain = type.isEmpty() && (field.group(5) == null || value instanceof String);
        put(value, plain ? "s" : type.isEmpty() ? "f" : type, field.group(5), side, zeros, width, false);
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

    private void put(
            Object value,
            String type,
            @org.jspecify.annotations.Nullable String precision,
            char align,
            boolean zeros,
            String width,
            boolean plus) {
        String text =
                converted(value, type, precision == null ? -1 : precision.isEmpty() ? 0 : Integer.parseInt(precision));
        String signed = plus && PythonValues.isNumber(value) && !text.startsWith("-") ? "+" + text : text;
        long missing =
                Math.max(0, (width.isEmpty() ? 0 : Long.parseLong(width)) - signed.codePointCount(0, signed.length()));
        if (zeros && PythonValues.isNumber(value)) {
            int sign = signed.startsWith("-") || signed.startsWith("+") ? 1 : 0;
            out.append(signed, 0, sign).append(PythonCharacters.pad(signed.substring(sign), "0", missing, 0, budget));
            return;
        }
        long left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
        out.append(PythonCharacters.pad(signed, " ", left, missing - left, budget));
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
            case "f", "F" -> fixed(PythonValues.real(value), precision < 0 ? 6 : precision);
            default -> throw new JinjaException("a format has a field that is not supported");
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
