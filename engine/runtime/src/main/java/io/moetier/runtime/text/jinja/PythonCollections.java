package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The methods of Python's lists and dicts.
final class PythonCollections {
    private PythonCollections() {}

    static Object onList(List<Object> list, String method, JinjaArguments arguments, JinjaBudget budget) {
        budget.characters(list.size());
        if (list instanceof PythonTuple && !method.equals("index") && !method.equals("count")) {
            throw new JinjaException("tuples have no method '" + method + "'");
        }
        return switch (method) {
            case "append" -> changed(list.add(arguments.get(0, "object")));
            case "extend" -> changed(list.addAll(PythonValues.elements(arguments.get(0, "iterable"), budget)));
            case "insert" -> {
                long at = PythonValues.fromStart(arguments.integer(0, "index", 0), list.size());
                list.add(Math.clamp(at, 0, list.size()), arguments.get(1, "object"));
                yield Absent.NONE;
            }
            case "pop" -> {
                long at = PythonValues.fromStart(arguments.integer(0, "index", -1), list.size());
                if (at < 0 || at >= list.size()) {
                    throw new JinjaException("a list has no element to pop there");
                }
                yield list.remove((int) at);
            }
            case "index" -> {
                long at = position(list, arguments.get(0, "value"), budget);
                if (at < 0) {
                    throw new JinjaException("a value to look for is not in the list");
                }
                yield at;
            }
            case "count" ->
                list.stream()
                        .filter(element -> PythonValues.equal(element, arguments.get(0, "value"), budget))
                        .count();
            case "copy" -> PythonValues.elements(list, budget);
            default -> throw new JinjaException("lists have no method '" + method + "'");
        };
    }

    private static long position(List<Object> list, Object wanted, JinjaBudget budget) {
        for (int i = 0; i < list.size(); i++) {
            if (PythonValues.equal(list.get(i), wanted, budget)) {
                return i;
            }
        }
        return -1;
    }

    /// Returns what methods return that only change their object.
    private static Object changed(boolean ignored) {
        return Absent.NONE;
    }

    static Object onMap(Map<Object, Object> map, String method, JinjaArguments arguments, JinjaBudget budget) {
        return switch (method) {
            case "get" -> {
                Object value = map.get(PythonValues.key(map, arguments.get(0, "key")));
                yield value == null ? arguments.find(1, "default").orElse(Absent.NONE) : value;
            }
            case "keys" -> PythonValues.elements(map, budget);
            case "values" -> {
                budget.steps(map.size());
                yield new ArrayList<>(map.values());
            }
            case "items" -> items(map, budget);
            case "update" -> {
                updates(arguments, budget).forEach((key, value) -> map.put(PythonValues.key(map, key), value));
                yield Absent.NONE;
            }
            case "pop" -> {
                Object value = map.remove(PythonValues.key(map, arguments.get(0, "key")));
                yield value == null ? arguments.get(1, "default") : value;
            }
            case "setdefault" -> {
                Object absent = arguments.find(1, "default").orElse(Absent.NONE);
                Object value = map.putIfAbsent(PythonValues.key(map, arguments.get(0, "key")), absent);
                yield value == null ? absent : value;
            }
            case "copy" -> {
                budget.steps(map.size());
                yield new LinkedHashMap<>(map);
            }
            default -> throw new JinjaException("dicts have no method '" + method + "'");
        };
    }

    /// Returns pairs of a key and its value.
    static List<Object> items(Map<?, ?> map, JinjaBudget budget) {
        budget.steps(map.size());
        List<Object> pairs = new ArrayList<>(map.size());
        map.forEach((key, value) -> pairs.add(PythonTuple.of(key, value)));
        return pairs;
    }

    /// Returns the entries that a call gives, as a dict or by name.
    static Map<Object, Object> updates(JinjaArguments arguments, JinjaBudget budget) {
        Map<Object, Object> updates = new LinkedHashMap<>();
        if (arguments.size() > 0) {
            if (!(arguments.positional().getFirst() instanceof Map<?, ?> given)) {
                throw new JinjaException("a dict is expected");
            }
            updates.putAll(given);
        }
        updates.putAll(arguments.named());
        budget.steps(updates.size());
        return updates;
    }
}
