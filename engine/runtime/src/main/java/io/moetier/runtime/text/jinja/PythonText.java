package io.moetier.runtime.text.jinja;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Writes values as Python's `str` and `repr` do.
final class PythonText {
    private final JinjaBudget budget;
    private final StringBuilder out = new StringBuilder();

    private PythonText(JinjaBudget budget) {
        this.budget = budget;
    }

    static String str(Object value, JinjaBudget budget) {
        return switch (value) {
            case String text -> text;
            case Long number -> Long.toString(number);
            case Absent absent -> absent.toString();
            default -> repr(value, budget);
        };
    }

    static String repr(Object value, JinjaBudget budget) {
        PythonText text = new PythonText(budget);
        text.repr(value);
        return text.out.toString();
    }

    private void repr(Object value) {
        budget.steps(1);
        switch (value) {
            case String text -> quoted(text);
            case Boolean flag -> out.append(flag ? "True" : "False");
            case Double number -> out.append(real(number));
            case PythonTuple tuple -> {
                enclosed('(', tuple.iterator(), ')');
                if (tuple.size() == 1) {
                    out.insert(out.length() - 1, ',');
                }
            }
            case List<?> list -> enclosed('[', list.iterator(), ']');
            case Map<?, ?> map -> enclosed('{', map.entrySet().iterator(), '}');
            case Map.Entry<?, ?> entry -> {
                repr(entry.getKey());
                out.append(": ");
                repr(entry.getValue());
            }
            case Long number -> out.append(number);
            case Absent absent -> out.append(absent == Absent.NONE ? "None" : "Undefined");
            default -> throw new JinjaException(PythonValues.type(value) + " cannot be written");
        }
    }

    private void enclosed(char open, Iterator<?> elements, char close) {
        budget.enter();
        out.append(open);
        while (elements.hasNext()) {
            repr(elements.next());
            out.append(elements.hasNext() ? ", " : "");
        }
        out.append(close);
        budget.leave();
    }

    private void quoted(String text) {
        budget.characters(text.length());
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> character(c, quote));
        out.append(quote);
    }

    private void character(int c, char quote) {
        int known = "\n\r\t\\".indexOf(c);
        if (known >= 0) {
            out.append('\\').append("nrt\\".charAt(known));
        } else if (c == quote) {
            out.append('\\').append(quote);
        } else if (isShown(c)) {
            out.appendCodePoint(c);
        } else {
            out.append((c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x").formatted(c));
        }
    }

    /// Says whether Python takes a character for printable: no blank but the plain one is, nor what has no form.
    private static boolean isShown(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    static String real(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }
        BigDecimal exact = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        int exponent = exact.precision() - exact.scale() - 1;
        if (number == 0) {
            return Double.toString(number);
        }
        if (exponent >= -4 && exponent < 16) {
            return plain(exact);
        }
        return scientific(exact);
    }

    /// Writes digits without zeros at their end, and an exponent.
    static String scientific(BigDecimal exact) {
        int exponent = exact.precision() - exact.scale() - 1;
        String digits = exact.unscaledValue().abs().toString();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return (exact.signum() < 0 ? "-" : "")
                + digits.charAt(0)
                + fraction
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    /// Writes a number with a point, and at least one digit behind it.
    static String plain(BigDecimal exact) {
        return exact.scale() <= 0 ? exact.toPlainString() + ".0" : exact.toPlainString();
    }
}
