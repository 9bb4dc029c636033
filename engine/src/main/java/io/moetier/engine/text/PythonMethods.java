package io.moetier.engine.text;

import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELException;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/// Gives strings and maps in templates the methods that they have in Python, and no others.
///
/// Jinjava would call Java's: `split` takes a regular expression there, and `startswith` has another name. Answering
/// every call on a string or map here also keeps a template away from Java's reflection.
final class PythonMethods extends ELResolver {
    private static final String BLANKS = " \t\n\r\f\u000B";

    @Override
    public @Nullable Object invoke(
            ELContext context,
            @Nullable Object base,
            Object method,
            Class<?> @Nullable [] types,
            @Nullable Object @Nullable [] parameters) {
        @Nullable Object[] arguments = parameters == null ? new Object[0] : parameters;
        String name = String.valueOf(method);
        if (base instanceof String text) {
            context.setPropertyResolved(true);
            return onString(text, name, arguments);
        }
        if (base instanceof Map<?, ?> map) {
            context.setPropertyResolved(true);
            return onMap(map, name, arguments);
        }
        return null;
    }

    private static Object onString(String text, String method, @Nullable Object[] arguments) {
        return switch (method) {
            case "startswith" -> text.startsWith(string(arguments, 0, ""));
            case "endswith" -> text.endsWith(string(arguments, 0, ""));
            case "strip" -> strip(text, string(arguments, 0, BLANKS), true, true);
            case "lstrip" -> strip(text, string(arguments, 0, BLANKS), true, false);
            case "rstrip" -> strip(text, string(arguments, 0, BLANKS), false, true);
            case "split" -> split(text, arguments);
            case "replace" -> text.replace(string(arguments, 0, ""), string(arguments, 1, ""));
            case "find" -> (long) text.indexOf(string(arguments, 0, ""));
            case "count" ->
                (long) split(text, new Object[] {string(arguments, 0, " ")}).size() - 1;
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "capitalize" -> capitalize(text);
            case "title" -> title(text);
            case "join" -> join(text, arguments);
            default -> throw new ELException("strings have no method " + method);
        };
    }

    private static @Nullable Object onMap(Map<?, ?> map, String method, @Nullable Object[] arguments) {
        return switch (method) {
            case "get" -> {
                @Nullable Object value = map.get(arguments[0]);
                yield value == null && arguments.length > 1 ? arguments[1] : value;
            }
            case "keys" -> new ArrayList<>(map.keySet());
            case "values" -> new ArrayList<>(map.values());
            case "items" -> {
                List<List<Object>> pairs = new ArrayList<>();
                map.forEach((key, value) -> pairs.add(Arrays.asList(key, value)));
                yield pairs;
            }
            default -> throw new ELException("maps have no method " + method);
        };
    }

    private static String string(@Nullable Object[] arguments, int index, String absent) {
        return index < arguments.length && arguments[index] != null ? String.valueOf(arguments[index]) : absent;
    }

    private static String strip(String text, String drop, boolean left, boolean right) {
        int from = 0;
        int to = text.length();
        while (left && from < to && drop.indexOf(text.charAt(from)) >= 0) {
            from++;
        }
        while (right && to > from && drop.indexOf(text.charAt(to - 1)) >= 0) {
            to--;
        }
        return text.substring(from, to);
    }

    /// Splits at a separator, or at runs of blanks if none is given; the second argument limits how often.
    private static List<String> split(String text, @Nullable Object[] arguments) {
        if (arguments.length == 0 || arguments[0] == null) {
            String stripped = strip(text, BLANKS, true, true);
            return stripped.isEmpty() ? List.of() : List.of(stripped.split("\\s+", -1));
        }
        String separator = string(arguments, 0, " ");
        long limit = arguments.length > 1 && arguments[1] instanceof Number n ? n.longValue() : Long.MAX_VALUE;
        List<String> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0 && parts.size() < limit; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static String capitalize(String text) {
        return text.isEmpty()
                ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT)
                        + text.substring(1).toLowerCase(Locale.ROOT);
    }

    private static String title(String text) {
        StringBuilder title = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            title.append(inWord ? Character.toLowerCase(c) : Character.toUpperCase(c));
            inWord = Character.isLetter(c);
        }
        return title.toString();
    }

    private static String join(String separator, @Nullable Object[] arguments) {
        return arguments.length > 0 && arguments[0] instanceof Iterable<?> parts
                ? java.util.stream.StreamSupport.stream(parts.spliterator(), false)
                        .map(String::valueOf)
                        .collect(Collectors.joining(separator))
                : "";
    }

    // Properties are the business of the resolvers that come after this one.

    @Override
    public @Nullable Object getValue(ELContext context, @Nullable Object base, @Nullable Object property) {
        return null;
    }

    @Override
    public @Nullable Class<?> getType(ELContext context, @Nullable Object base, @Nullable Object property) {
        return null;
    }

    @Override
    public void setValue(ELContext context, @Nullable Object base, @Nullable Object property, @Nullable Object value) {}

    @Override
    public boolean isReadOnly(ELContext context, @Nullable Object base, @Nullable Object property) {
        return true;
    }

    @Override
    public @Nullable Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, @Nullable Object base) {
        return null;
    }

    @Override
    public @Nullable Class<?> getCommonPropertyType(ELContext context, @Nullable Object base) {
        return null;
    }
}
