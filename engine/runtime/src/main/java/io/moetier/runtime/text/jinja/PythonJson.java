package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Writes a value as *transformers* has `tojson` do it with Python's `json.dumps`: a blank after colons and commas, and
/// letters as they are.
final class PythonJson {
    private final JinjaBudget budget;
    private final boolean lines;
    private final String margin;
    private final String afterItem;
    private final String afterKey;
    private final boolean ascii;
    private final boolean sorted;
    private final StringBuilder out = new StringBuilder();
    private int depth;

    private PythonJson(JinjaArguments arguments, JinjaBudget budget) {
        this.budget = budget;
        ascii = arguments.flag(1, "ensure_ascii", false);
        Object given = arguments.find(2, "indent").orElse(Absent.NONE);
        lines = given != Absent.NONE;
        margin = lines ? PythonCharacters.margin(given, "indent", budget) : "";
        List<Object> separators = PythonValues.elements(
                arguments
                        .find(3, "separators")
                        .filter(value -> value != Absent.NONE)
                        .orElse(List.of(lines ? "," : ", ", ": ")),
                budget);
        JinjaArguments both = new JinjaArguments(separators, Map.of());
        afterItem = both.string(0, "separators");
        afterKey = both.string(1, "separators");
        sorted = arguments.flag(4, "sort_keys", false);
    }

    /// Writes the first of `arguments`; the others are those of the filter.
    static String write(JinjaArguments arguments, JinjaBudget budget) {
        PythonJson json = new PythonJson(arguments, budget);
        json.value(arguments.get(0, "value"));
        return json.out.toString();
    }

    private void value(Object value) {
        budget.steps(1);
        switch (value) {
            case Absent.NONE -> out.append("null");
            case Boolean flag -> out.append(flag.booleanValue());
            case Long number -> out.append(number.longValue());
            case Double number -> out.append(real(number));
            case String text -> string(text);
            case List<?> list -> enclosed('[', list.iterator(), ']');
            case Map<?, ?> map -> enclosed('{', (sorted ? sorted(map) : map.entrySet()).iterator(), '}');
            case Map.Entry<?, ?> entry -> {
                string(key(entry.getKey()));
                out.append(afterKey);
                value(entry.getValue());
            }
            default -> throw new JinjaException("tojson cannot write " + PythonValues.type(value));
        }
    }

    private List<Map.Entry<?, ?>> sorted(Map<?, ?> map) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        entries.sort((a, b) -> PythonValues.compare(a.getKey(), b.getKey(), budget));
        return entries;
    }

    private static String key(Object key) {
        return switch (key) {
            case Absent.NONE -> "null";
            case Double number -> real(number);
            default -> String.valueOf(key);
        };
    }

    private static String real(double number) {
        return Double.isNaN(number)
                ? "NaN"
                : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : PythonText.real(number);
    }

    private void string(String text) {
        budget.characters(text.length());
        out.append('"');
        text.chars().forEach(this::character);
        out.append('"');
    }

    private void character(int c) {
        int known = "\"\\\b\f\n\r\t".indexOf(c);
        if (known >= 0) {
            out.append('\\').append("\"\\bfnrt".charAt(known));
        } else if (c < ' ' || (ascii && c > '~')) {
            out.append("\\u%04x".formatted(c));
        } else {
            out.append((char) c);
        }
    }

    private void enclosed(char open, Iterator<?> elements, char close) {
        boolean filled = elements.hasNext();
        budget.enter();
        depth++;
        out.append(open);
        while (elements.hasNext()) {
            line(filled);
            value(elements.next());
            out.append(elements.hasNext() ? afterItem : "");
        }
        depth--;
        budget.leave();
        line(filled);
        out.append(close);
    }

    private void line(boolean filled) {
        if (lines && filled) {
            budget.characters(margin.length(), depth);
            out.append('\n').repeat(margin, depth);
        }
    }
}
