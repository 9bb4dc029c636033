package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What a template may hold, and how Python looks at it: strings, booleans, integers of 64 bits, floats, lists, maps,
/// [Absent], namespaces, loops and functions. There are no other values, so nothing of Java can be reached through one.
final class PythonValues {
    private static final long MOST_EXACT = 1L << 53; // up to here floats tell integers apart

    private PythonValues() {}

    /// Returns `value` as a template may hold it, with lists and maps of its own.
    static Object of(@Nullable Object value) {
        return switch (value) {
            case null -> Absent.NONE;
            case String text -> text;
            case Boolean flag -> flag;
            case Double number -> number;
            case Float number -> number.doubleValue();
            case Number number -> number.longValue();
            case Collection<?> list -> {
                List<Object> copy = new ArrayList<>(list.size());
                list.forEach(element -> copy.add(of(element)));
                yield copy;
            }
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((key, element) -> copy.put(String.valueOf(key), of(element)));
                yield copy;
            }
            default -> throw new IllegalArgumentException("a template cannot hold a " + value.getClass());
        };
    }

    /// Returns the name of the type of `value`, for errors.
    static String type(Object value) {
        return switch (value) {
            case Absent.NONE -> "None";
            case Absent.UNDEFINED -> "undefined";
            case String text -> "a string";
            case Boolean flag -> "a boolean";
            case Long number -> "an integer";
            case Double number -> "a float";
            case PythonTuple tuple -> "a tuple";
            case List<?> list -> "a list";
            case Map<?, ?> map -> "a dict";
            case JinjaNamespace namespace -> "a namespace";
            case JinjaLoop loop -> "a loop";
            default -> "a function";
        };
    }

    static boolean isTrue(Object value) {
        return switch (value) {
            case Absent absent -> false;
            case Boolean flag -> flag;
            case Long number -> number != 0;
            case Double number -> number != 0;
            case String text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /// Says whether `value` counts as a number, as booleans do.
    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    /// Returns an integer; `role` says in the error what for.
    static long integer(Object value, String role) {
        return switch (value) {
            case Long number -> number;
            case Boolean flag -> flag ? 1 : 0;
            default -> throw new JinjaException(role + " must be an integer, and is " + type(value));
        };
    }

    static double real(Object value) {
        return value instanceof Double number ? number : integer(value, "a number");
    }

    /// Compares as `==` does.
    static boolean equal(Object a, Object b, JinjaBudget budget) {
        budget.steps(1);
        if (isNumber(a) && isNumber(b)) {
            boolean integers = isInteger(a) && isInteger(b);
            return integers ? integer(a, "") == integer(b, "") : real(a) == real(b);
        }
        if (a instanceof List<?> left && b instanceof List<?> right) {
            return PythonTuple.isSameKind(left, right)
                    && left.size() == right.size()
                    && equalElements(left, right, budget);
        }
        if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
            return left.size() == right.size()
                    && left.keySet().stream().allMatch(key -> right.containsKey(key(right, key)))
                    && equalElements(List.copyOf(left.values()), inOrder(left, right), budget);
        }
        if (a instanceof String text) {
            budget.characters(text.length());
        }
        return a.equals(b);
    }

    private static List<Object> inOrder(Map<?, ?> keys, Map<?, ?> values) {
        return keys.keySet().stream()
                .<Object>map(key -> Objects.requireNonNull(values.get(key(values, key))))
                .toList();
    }

    private static boolean equalElements(List<?> left, List<?> right, JinjaBudget budget) {
        budget.enter();
        budget.steps(left.size());
        for (int i = 0; i < left.size(); i++) {
            if (!equal(left.get(i), right.get(i), budget)) {
                budget.leave();
                return false;
            }
        }
        budget.leave();
        return true;
    }

    /// Compares as `<` and `sort` do.
    static int compare(Object a, Object b, JinjaBudget budget) {
        budget.steps(1);
        if (isInteger(a) && isInteger(b)) {
            return Long.compare(integer(a, ""), integer(b, ""));
        }
        if (isNumber(a) && isNumber(b)) {
            double left = real(a);
            return left == real(b) ? 0 : Double.compare(left, real(b)); // 0.0 is not more than -0.0
        }
        if (a instanceof String left && b instanceof String right) {
            budget.characters(left.length());
            return left.compareTo(right);
        }
        if (a instanceof List<?> left && b instanceof List<?> right && PythonTuple.isSameKind(left, right)) {
            budget.enter();
            int order = compareElements(left, right, budget);
            budget.leave();
            return order;
        }
        throw new JinjaException("cannot compare " + type(a) + " with " + type(b));
    }

    private static int compareElements(List<?> left, List<?> right, JinjaBudget budget) {
        for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
            if (!equal(left.get(i), right.get(i), budget)) {
                return compare(left.get(i), right.get(i), budget);
            }
        }
        return Integer.compare(left.size(), right.size());
    }

    /// Returns what a loop over `value` meets: elements, keys or characters.
    static List<Object> elements(Object value, JinjaBudget budget) {
        return switch (value) {
            case List<?> list -> {
                budget.steps(list.size());
                yield new ArrayList<>(list);
            }
            case Map<?, ?> map -> {
                budget.steps(map.size());
                yield new ArrayList<>(map.keySet());
            }
            case String text -> {
                budget.steps(text.length());
                yield new ArrayList<>(
                        text.codePoints().mapToObj(Character::toString).toList());
            }
            case Absent.UNDEFINED -> new ArrayList<>();
            default -> throw new JinjaException(type(value) + " cannot be iterated over");
        };
    }

    static long length(Object value, JinjaBudget budget) {
        return switch (value) {
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case String text -> {
                budget.characters(text.length());
                yield text.codePointCount(0, text.length());
            }
            case Absent.UNDEFINED -> 0;
            default -> throw new JinjaException(type(value) + " has no length");
        };
    }

    /// Says whether `in` finds `wanted`.
    static boolean contains(Object in, Object wanted, JinjaBudget budget) {
        return switch (in) {
            case String text
            when wanted instanceof String part -> {
                budget.search(text.length(), part.length());
                yield text.contains(part);
            }
            case String text -> throw new JinjaException("a string can hold a string, not " + type(wanted));
            case Map<?, ?> map -> map.containsKey(key(map, wanted));
            default -> {
                for (Object element : elements(in, budget)) {
                    if (equal(element, wanted, budget)) {
                        yield true;
                    }
                }
                yield false;
            }
        };
    }

    /// Returns the key of `map` that is equal to `value`, or else `value` as a new one: as in Python, the first that is
    /// written stays.
    static Object key(Map<?, ?> map, Object value) {
        return sameKeys(key(value)).stream()
                .filter(map::containsKey)
                .findFirst()
                .orElse(value);
    }

    /// Returns all keys that are equal to one of [#key(Object)].
    private static List<Object> sameKeys(Object key) {
        return switch (key) {
            case Long zero when zero == 0 -> List.of(0L, false, 0.0, -0.0);
            case Long one when one == 1 -> List.of(1L, true, 1.0);
            case Long number when Math.abs(number) < MOST_EXACT -> List.of(number, (double) number);
            default -> List.of(key);
        };
    }

    /// Returns `value` so that 1, 1.0 and `True` are one, as they are for a map and a set.
    static Object key(Object value) {
        return switch (value) {
            case Boolean flag -> flag ? 1L : 0L;
            case Double number when number == Math.rint(number) && Math.abs(number) < MOST_EXACT -> number.longValue();
            case Long number -> number;
            case Double number -> number;
            case String text -> text;
            case Absent absent -> absent;
            default -> throw new JinjaException(type(value) + " cannot be a key");
        };
    }

    /// Returns the field `name` of `value`.
    static Object attribute(Object value, String name) {
        return switch (value) {
            case Map<?, ?> map -> found(map.get(name));
            case JinjaNamespace namespace -> namespace.get(name);
            case JinjaLoop loop -> loop.field(name);
            case PythonTuple tuple -> tuple.field(name);
            case Absent.UNDEFINED ->
                throw new JinjaException("cannot take '" + name + "' of a value that is undefined");
            default -> Absent.UNDEFINED;
        };
    }

    /// Returns the element of `value` at an index or a key.
    static Object item(Object value, Object key, JinjaBudget budget) {
        return switch (value) {
            case Map<?, ?> map -> found(map.get(key(map, key)));
            case List<?> list
            when isInteger(key) -> {
                long index = fromStart(integer(key, ""), list.size());
                yield index >= 0 && index < list.size() ? list.get((int) index) : Absent.UNDEFINED;
            }
            case String text when isInteger(key) -> PythonStrings.character(text, integer(key, ""), budget);
            default ->
                key instanceof String || value == Absent.UNDEFINED
                        ? attribute(value, String.valueOf(key))
                        : Absent.UNDEFINED;
        };
    }

    /// Returns an index that may count from the end as one that counts from the start.
    static long fromStart(long index, long size) {
        return index < 0 ? index + size : index;
    }

    private static Object found(@Nullable Object value) {
        return value == null ? Absent.UNDEFINED : value;
    }

    /// Returns a part of a list, a tuple or a string; absent bounds are [Absent#NONE].
    static Object slice(Object value, Object from, Object to, Object by, JinjaBudget budget) {
        long step = by == Absent.NONE ? 1 : integer(by, "the step of a slice");
        if (step == 0) {
            throw new JinjaException("the step of a slice must not be 0");
        }
        if (value instanceof String text) {
            if (step == 1) {
                return PythonStrings.substring(text, from, to, budget);
            }
            List<Object> parts = sliced(elements(text, budget), from, to, step, budget);
            return String.join("", parts.stream().map(String.class::cast).toList());
        }
        if (value instanceof List<?> list) {
            return PythonTuple.as(list, sliced(list, from, to, step, budget));
        }
        throw new JinjaException("cannot take a slice of " + type(value));
    }

    private static List<Object> sliced(List<?> list, Object from, Object to, long step, JinjaBudget budget) {
        int size = list.size();
        long low = step < 0 ? -1 : 0;
        long high = step < 0 ? size - 1 : size;
        long start = bound(from, size, low, high, step < 0 ? high : low);
        long end = bound(to, size, low, high, step < 0 ? low : high);
        List<Object> part = new ArrayList<>();
        for (long i = start; step < 0 ? i > end : i < end; i = step > size || step < -size ? end : i + step) {
            budget.steps(1);
            part.add(list.get((int) i));
        }
        return part;
    }

    private static long bound(Object given, long size, long low, long high, long absent) {
        return given == Absent.NONE || given == Absent.UNDEFINED
                ? absent
                : Math.clamp(fromStart(integer(given, "a bound of a slice"), size), low, high);
    }
}
