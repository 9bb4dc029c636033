package io.moetier.runtime.text.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// The filters of Jinja that look at the elements of a value.
final class JinjaListFilters {
    private static final List<String> GROUP = List.of("grouper", "list");

    private final JinjaInterpreter in;
    private final JinjaBudget budget;
    private final JinjaArguments arguments;
    private final Object value;

    private JinjaListFilters(JinjaInterpreter in, JinjaArguments arguments) {
        this.in = in;
        this.budget = in.budget();
        this.arguments = arguments;
        this.value = arguments.get(0, "value");
    }

    static Object apply(String name, JinjaInterpreter in, JinjaArguments arguments) {
        return new JinjaListFilters(in, arguments).apply(name);
    }

    private Object apply(String name) {
        return switch (name) {
            case "batch" -> batch(arguments.integer(1, "linecount", 0));
            case "dictsort" -> dictSort();
            case "first" -> end(elements(), false);
            case "last" -> end(elements(), true);
            case "groupby" -> groupBy(arguments.get(1, "attribute"));
            case "join" -> join();
            case "list" -> elements();
            case "map" -> map();
            case "max" -> extreme(1);
            case "min" -> extreme(-1);
            case "reject" -> select(false, 1, element -> element);
            case "select" -> select(true, 1, element -> element);
            case "rejectattr" -> select(false, 2, this::attribute);
            case "selectattr" -> select(true, 2, this::attribute);
            case "reverse" -> reverse();
            case "slice" -> slices(arguments.integer(1, "slices", 0));
            case "sort" -> sort();
            case "sum" -> sum();
            case "unique" -> unique();
            default -> JinjaTextFilters.apply(name, arguments, budget);
        };
    }

    private List<Object> elements() {
        return PythonValues.elements(value, budget);
    }

    private static Object end(List<Object> elements, boolean last) {
        return elements.isEmpty() ? Absent.UNDEFINED : last ? elements.getLast() : elements.getFirst();
    }

    private Object attribute(Object element) {
        return JinjaFilters.path(element, arguments.get(1, "attribute"), budget);
    }

    private List<Object> batch(long size) {
        if (size < 1) {
            throw new JinjaException("batch needs a count of at least 1");
        }
        List<Object> batches = new ArrayList<>();
        List<Object> elements = elements();
        for (long from = 0; from < elements.size(); from += size) {
            long to = Math.min(from + size, elements.size());
            List<Object> batch = new ArrayList<>(elements.subList((int) from, (int) to));
            batches.add(filled(batch, size));
        }
        return batches;
    }

    private List<Object> filled(List<Object> part, long size) {
        arguments.find(2, "fill_with").filter(fill -> fill != Absent.NONE).ifPresent(fill -> {
            budget.steps(size);
            while (part.size() < size) {
                part.add(fill);
            }
        });
        return part;
    }

    private List<Object> slices(long count) {
        if (count < 1) {
            throw new JinjaException("slice needs a count of at least 1");
        }
        budget.steps(count);
        List<Object> slices = new ArrayList<>();
        List<Object> elements = elements();
        long size = elements.size() / count;
        long longer = elements.size() % count;
        long from = 0;
        for (long i = 0; i < count; i++) {
            long to = from + size + (i < longer ? 1 : 0);
            List<Object> slice = new ArrayList<>(elements.subList((int) from, (int) to));
            slices.add(i >= longer ? filled(slice, size + 1) : slice);
            from = to;
        }
        return slices;
    }

    private Object join() {
        List<Object> elements = elements();
        arguments
                .find(2, "attribute")
                .filter(name -> name != Absent.NONE)
                .ifPresent(name -> elements.replaceAll(element -> JinjaFilters.path(element, name, budget)));
        return PythonStrings.join(PythonText.str(arguments.find(1, "d").orElse(""), budget), elements, budget);
    }

    /// Returns the elements that are mapped or selected; nothing has none, be it `None` or 0.
    private List<Object> elementsIfAny() {
        return PythonValues.isTrue(value) ? elements() : new ArrayList<>();
    }

    private Object map() {
        List<Object> elements = elementsIfAny();
        Object attribute = arguments.named().get("attribute");
        if (attribute != null) {
            elements.replaceAll(element -> orDefault(JinjaFilters.path(element, attribute, budget)));
            return elements;
        }
        JinjaFunction filter = JinjaFilters.named(arguments.string(1, "name"));
        JinjaArguments others = arguments.from(2);
        elements.replaceAll(element -> filter.call(in, others.after(element)));
        return elements;
    }

    private Object orDefault(Object found) {
        return found == Absent.UNDEFINED && arguments.named().containsKey("default")
                ? arguments.get(Integer.MAX_VALUE, "default")
                : found;
    }

    /// Keeps the elements of which a test says `wanted`, or which are true if there is no test.
    private List<Object> select(boolean wanted, int testAt, UnaryOperator<Object> part) {
        JinjaFunction test = arguments.size() > testAt
                ? JinjaTests.named(arguments.string(testAt, "test"))
                : (ignored, tested) -> PythonValues.isTrue(tested.get(0, "value"));
        JinjaArguments others = JinjaFilters.unnamed(arguments, testAt + 1);
        List<Object> kept = elementsIfAny();
        kept.removeIf(element -> PythonValues.isTrue(test.call(in, others.after(part.apply(element)))) != wanted);
        return kept;
    }

    private Object reverse() {
        if (value instanceof String text) {
            budget.characters(text.length());
            return new StringBuilder(text).reverse().toString();
        }
        return PythonStrings.reversed(elements());
    }

    private List<Object> dictSort() {
        if (!(value instanceof Map<?, ?> map)) {
            throw new JinjaException("dictsort needs a dict, not " + PythonValues.type(value));
        }
        boolean sensitive = arguments.flag(1, "case_sensitive", false);
        int by = arguments.string(2, "by", "key").equals("value") ? 1 : 0;
        return sorted(
                PythonCollections.items(map, budget),
                pair -> folded(((List<?>) pair).get(by), sensitive),
                arguments.flag(3, "reverse", false));
    }

    private List<Object> sort() {
        return sorted(elements(), this::sortKey, arguments.flag(1, "reverse", false));
    }

    private Object sortKey(Object element) {
        boolean sensitive = arguments.flag(2, "case_sensitive", false);
        Object given = arguments.find(3, "attribute").orElse(Absent.NONE);
        if (given == Absent.NONE) {
            return folded(element, sensitive);
        }
        List<?> names = given instanceof String text ? List.of(text.split(",", -1)) : List.of(given);
        List<Object> keys = new ArrayList<>();
        names.forEach(name -> keys.add(folded(JinjaFilters.path(element, name, budget), sensitive)));
        return keys;
    }

    private Object folded(Object key, boolean sensitive) {
        if (sensitive || !(key instanceof String text)) {
            return key;
        }
        budget.characters(text.length());
        return PythonStrings.lower(text);
    }

    private List<Object> sorted(List<Object> elements, UnaryOperator<Object> key, boolean reverse) {
        record Keyed(Object key, Object element) {}
        List<Keyed> keyed = new ArrayList<>();
        elements.forEach(element -> keyed.add(new Keyed(key.apply(element), element)));
        keyed.sort((a, b) -> PythonValues.compare(a.key(), b.key(), budget) * (reverse ? -1 : 1));
        return new ArrayList<>(keyed.stream().map(Keyed::element).toList());
    }

    private Object extreme(int sign) {
        boolean sensitive = arguments.flag(1, "case_sensitive", false);
        Object name = arguments.find(2, "attribute").orElse(Absent.NONE);
        UnaryOperator<Object> key =
                element -> folded(name == Absent.NONE ? element : JinjaFilters.path(element, name, budget), sensitive);
        Object best = Absent.UNDEFINED;
        for (Object element : elements()) {
            if (best == Absent.UNDEFINED
                    || PythonValues.compare(key.apply(element), key.apply(best), budget) * sign > 0) {
                best = element;
            }
        }
        return best;
    }

    private List<Object> groupBy(Object name) {
        boolean sensitive = arguments.flag(3, "case_sensitive", false);
        UnaryOperator<Object> key = element -> {
            Object found = JinjaFilters.path(element, name, budget);
            return found == Absent.UNDEFINED ? arguments.find(2, "default").orElse(found) : found;
        };
        Map<Object, PythonTuple> groups = new LinkedHashMap<>();
        for (Object element : sorted(elements(), element -> folded(key.apply(element), sensitive), false)) {
            Object grouper = PythonValues.key(folded(key.apply(element), sensitive));
            groups.computeIfAbsent(grouper, first -> PythonTuple.named(GROUP, key.apply(element), new ArrayList<>()));
            PythonCollections.onList(members(groups.get(grouper)), "append", JinjaArguments.of(element), budget);
        }
        List<Object> pairs = new ArrayList<>();
        groups.values().forEach(pairs::add);
        return pairs;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> members(PythonTuple group) {
        return (List<Object>) group.get(1);
    }

    private Object sum() {
        Object total = arguments.find(2, "start").orElse(0L);
        Object name = arguments.find(1, "attribute").orElse(Absent.NONE);
        for (Object element : elements()) {
            Object addend = name == Absent.NONE ? element : JinjaFilters.path(element, name, budget);
            total = PythonOperators.apply("+", total, addend, budget);
        }
        return total;
    }

    private List<Object> unique() {
        boolean sensitive = arguments.flag(1, "case_sensitive", false);
        Object name = arguments.find(2, "attribute").orElse(Absent.NONE);
        Set<Object> seen = new HashSet<>();
        List<Object> kept = elements();
        kept.removeIf(element -> !seen.add(PythonValues.key(
                folded(name == Absent.NONE ? element : JinjaFilters.path(element, name, budget), sensitive))));
        return kept;
    }
}
