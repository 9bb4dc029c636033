package io.moetier.engine.text;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import io.moetier.storage.format.Json;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes a value as Python's `json.dumps` does, with a blank after colons and commas and letters as they are.
final class ToJsonFilter implements Filter {
    @Override
    public String getName() {
        return "tojson";
    }

    @Override
    public Object filter(@Nullable Object value, JinjavaInterpreter interpreter, String... arguments) {
        return write(value, 0, 0);
    }

    @Override
    public Object filter(
            @Nullable Object value, JinjavaInterpreter interpreter, Object[] arguments, Map<String, Object> named) {
        return write(value, named.get("indent") instanceof Number n ? n.intValue() : 0, 0);
    }

    private static String write(@Nullable Object value, int indent, int depth) {
        return switch (value) {
            case null -> "null";
            case Map<?, ?> map -> enclose("{", "}", indent, depth, entries(map, indent, depth + 1));
            case Collection<?> list ->
                enclose(
                        "[",
                        "]",
                        indent,
                        depth,
                        list.stream()
                                .map(element -> write(element, indent, depth + 1))
                                .toList());
            default -> Json.write(value);
        };
    }

    private static List<String> entries(Map<?, ?> map, int indent, int depth) {
        return map.entrySet().stream()
                .map(e -> Json.write(String.valueOf(e.getKey())) + ": " + write(e.getValue(), indent, depth))
                .toList();
    }

    private static String enclose(String open, String close, int indent, int depth, List<String> parts) {
        if (indent == 0 || parts.isEmpty()) {
            return open + String.join(", ", parts) + close;
        }
        String margin = "\n" + " ".repeat(indent * depth);
        String inner = margin + " ".repeat(indent);
        return parts.stream().collect(Collectors.joining("," + inner, open + inner, margin + close));
    }
}
