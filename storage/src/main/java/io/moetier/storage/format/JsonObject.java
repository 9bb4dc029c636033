package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A JSON object read from a file, whose accessors name the file and the field when a value is not as expected.
///
/// A key that is absent and a key whose value is `null` are the same, but for [#withDefaults].
public final class JsonObject {
    private static final int MAX_FOUND_CHARACTERS = 100;
    private static final String INT_LIST = "a list of integers from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE;

    private final Path source;
    private final String prefix;
    private final Map<String, @Nullable Object> values;
    private final Map<String, String> spellings; // of keys that the file calls otherwise
    private final Map<String, JsonObject> others; // values that are of other files
    private final Consumer<String> reads;

    JsonObject(Path source, String prefix, Map<String, @Nullable Object> values) {
        this(source, prefix, values, Map.of(), Map.of(), path -> {});
    }

    private JsonObject(
            Path source,
            String prefix,
            Map<String, @Nullable Object> values,
            Map<String, String> spellings,
            Map<String, JsonObject> others,
            Consumer<String> reads) {
        this.source = source;
        this.prefix = prefix;
        this.values = values;
        this.spellings = spellings;
        this.others = others;
        this.reads = reads;
    }

    /// Returns this object handing `newReads` every key that it, or an object in it, is asked for, with dots between
    /// the keys of nested objects.
    public JsonObject reporting(Consumer<String> newReads) {
        return new JsonObject(source, prefix, values, spellings, others, newReads);
    }

    /// Returns the file this object was read from.
    public Path source() {
        return source;
    }

    /// Returns the keys in the file's order, those with a null value too.
    public Set<String> keys() {
        return values.keySet();
    }

    /// Returns the raw map, for writing it out again.
    public Map<String, @Nullable Object> asMap() {
        return values;
    }

    /// Returns this object with values for the keys that it does not have. A key that it gives as null stays null, as a
    /// family may mean something by that.
    public JsonObject withDefaults(Map<String, ?> defaults) {
        Map<String, @Nullable Object> merged = new LinkedHashMap<>(values);
        defaults.forEach((key, value) -> {
            if (!values.containsKey(key)) {
                merged.put(key, value);
            }
        });
        return new JsonObject(source, prefix, merged, spellings, others, reads);
    }

    /// Returns this object with `names`, which map keys to what the file calls them, with dots between the keys of
    /// nested objects: a key has the value there, if there is one, and is called so where it is read or wrong.
    public JsonObject withNames(Map<String, String> names) {
        Map<String, @Nullable Object> merged = new LinkedHashMap<>(values);
        Map<String, String> all = new HashMap<>(spellings);
        names.forEach((key, own) -> {
            Optional<Object> value = find(own);
            if (value.isPresent() || values.get(key) == null) {
                all.put(key, spellings.getOrDefault(own, own));
            }
            value.ifPresent(found -> merged.put(key, found));
        });
        return new JsonObject(source, prefix, merged, all, others, reads);
    }

    /// Returns this object for a file that is not JSON: `names` maps keys to what the file calls them where they are
    /// wrong.
    public JsonObject spelled(Map<String, String> names) {
        return new JsonObject(source, prefix, values, names, others, reads);
    }

    /// Returns this object with `other` as the value of `key`, where errors name the file and the keys of `other`.
    public JsonObject with(String key, JsonObject other) {
        Map<String, @Nullable Object> merged = new LinkedHashMap<>(values);
        merged.put(key, other.values);
        Map<String, JsonObject> all = new HashMap<>(others);
        all.put(key, other);
        return new JsonObject(source, prefix, merged, spellings, all, reads);
    }

    private Optional<Object> find(String path) {
        int dot = path.indexOf('.');
        return dot < 0
                ? Optional.ofNullable(value(path))
                : optionalObject(path.substring(0, dot)).flatMap(nested -> nested.find(path.substring(dot + 1)));
    }

    /// Returns this object without a value for `key`.
    public JsonObject without(String key) {
        Map<String, @Nullable Object> rest = new LinkedHashMap<>(values);
        rest.remove(key);
        Map<String, JsonObject> restOfOthers = new HashMap<>(others);
        restOfOthers.remove(key);
        return new JsonObject(source, prefix, rest, spellings, restOfOthers, reads);
    }

    /// Says whether `key` has a value other than null.
    public boolean has(String key) {
        return value(key) != null;
    }

    /// Returns the value of `key`, whatever it is.
    ///
    /// @throws MalformedModelException if a number there is not finite, as `Infinity`, and `1e999` once it is read
    public @Nullable Object value(String key) {
        reads.accept(path(key));
        Object value = values.get(key);
        if (isNotFinite(value)) {
            throw unexpected(key, "a finite number of 64 bits", value);
        }
        if (value instanceof List<?> list && list.stream().anyMatch(JsonObject::isNotFinite)) {
            throw unexpected(key, "finite numbers of 64 bits", value);
        }
        return value;
    }

    private static boolean isNotFinite(@Nullable Object value) {
        return value instanceof Number number && !Double.isFinite(number.doubleValue());
    }

    public int requireInt(String key) {
        return optionalInt(key).orElseThrow(() -> missing(key, "an integer"));
    }

    public Optional<Integer> optionalInt(String key) {
        return optionalLong(key).map(value -> {
            if (value != (int) (long) value) {
                throw unexpected(key, "an integer from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE, value);
            }
            return (int) (long) value;
        });
    }

    public long requireLong(String key) {
        return optionalLong(key).orElseThrow(() -> missing(key, "an integer"));
    }

    public Optional<Long> optionalLong(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case Integer i -> Optional.of((long) i);
            case Long l -> Optional.of(l);
            case BigInteger big -> throw unexpected(key, "an integer of 64 bits", big);
            default -> throw mistyped(key, "an integer", value);
        };
    }

    public double requireDouble(String key) {
        return optionalDouble(key).orElseThrow(() -> missing(key, "a number"));
    }

    public Optional<Double> optionalDouble(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case Number n -> Optional.of(n.doubleValue());
            default -> throw mistyped(key, "a number", value);
        };
    }

    public Optional<Boolean> optionalBoolean(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case Boolean b -> Optional.of(b);
            default -> throw mistyped(key, "true or false", value);
        };
    }

    public String requireString(String key) {
        return optionalString(key).orElseThrow(() -> missing(key, "a string"));
    }

    public Optional<String> optionalString(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case String s -> Optional.of(s);
            default -> throw mistyped(key, "a string", value);
        };
    }

    public JsonObject requireObject(String key) {
        return optionalObject(key).orElseThrow(() -> missing(key, "an object"));
    }

    @SuppressWarnings("unchecked") // the parser makes only string keys
    public Optional<JsonObject> optionalObject(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case Map<?, ?> m ->
                Optional.of(others.getOrDefault(key, nested(path(key) + ".", (Map<String, @Nullable Object>) m)));
            default -> throw mistyped(key, "an object", value);
        };
    }

    /// Returns the list of whole numbers at `key`; a bare number counts as a list of one.
    public Optional<List<Integer>> optionalInts(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case Integer i -> Optional.of(List.of(i));
            case List<?> list -> {
                List<Integer> ints = new ArrayList<>();
                for (Object element : list) {
                    if (!(element instanceof Integer i)) {
                        throw mistyped(key, INT_LIST, value);
                    }
                    ints.add(i);
                }
                yield Optional.of(List.copyOf(ints));
            }
            default -> throw mistyped(key, INT_LIST, value);
        };
    }

    /// Returns the list of strings at `key`; a bare string counts as a list of one.
    public Optional<List<String>> optionalStrings(String key) {
        Object value = value(key);
        return switch (value) {
            case null -> Optional.empty();
            case String s -> Optional.of(List.of(s));
            case List<?> list
            when list.stream().allMatch(String.class::isInstance) ->
                Optional.of(list.stream().map(String.class::cast).toList());
            default -> throw mistyped(key, "a list of strings", value);
        };
    }

    /// Returns the list of whole numbers at `key`.
    public List<Long> requireLongs(String key) {
        Object value = value(key);
        if (!(value instanceof List<?> list)) {
            throw mistyped(key, "a list of integers", value);
        }
        List<Long> longs = new ArrayList<>();
        for (Object element : list) {
            switch (element) {
                case Integer i -> longs.add((long) i);
                case Long l -> longs.add(l);
                case null, default -> throw mistyped(key, "a list of integers of 64 bits", value);
            }
        }
        return List.copyOf(longs);
    }

    /// Returns the list of numbers at `key`.
    public List<Double> requireDoubles(String key) {
        Object value = value(key);
        if (value == null) {
            throw missing(key, "a list of numbers");
        }
        if (!(value instanceof List<?> list) || !list.stream().allMatch(Number.class::isInstance)) {
            throw mistyped(key, "a list of numbers", value);
        }
        return list.stream().map(Number.class::cast).map(Number::doubleValue).toList();
    }

    /// Returns the list of objects at `key`.
    @SuppressWarnings("unchecked") // the parser makes only string keys
    public List<JsonObject> requireObjects(String key) {
        Object value = value(key);
        if (!(value instanceof List<?> list)) {
            throw mistyped(key, "a list of objects", value);
        }
        List<JsonObject> objects = new ArrayList<>();
        for (Object element : list) {
            if (!(element instanceof Map<?, ?> m)) {
                throw mistyped(key, "a list of objects", element);
            }
            objects.add(nested(path(key) + "[" + objects.size() + "].", (Map<String, @Nullable Object>) m));
        }
        return objects;
    }

    private JsonObject nested(String path, Map<String, @Nullable Object> object) {
        return new JsonObject(source, path, object, Map.of(), Map.of(), reads);
    }

    /// Returns the error for a value of `key` that is not as it should be.
    public MalformedModelException unexpected(String key, String expected, @Nullable Object found) {
        String text = found == null ? "nothing" : found.toString();
        String shown = text.length() <= MAX_FOUND_CHARACTERS ? text : text.substring(0, MAX_FOUND_CHARACTERS) + "…";
        return MalformedModelException.of(source, path(key), expected, shown);
    }

    /// Returns the error for a value of another kind, which is shown as JSON writes it: a text in quotes.
    private MalformedModelException mistyped(String key, String expected, @Nullable Object found) {
        return unexpected(key, expected, found == null ? null : Json.write(found));
    }

    private MalformedModelException missing(String key, String expected) {
        return unexpected(key, expected, null);
    }

    /// Returns `key` with those of the objects that this one is in, as errors name it.
    public String path(String key) {
        return prefix + spellings.getOrDefault(key, key);
    }
}
