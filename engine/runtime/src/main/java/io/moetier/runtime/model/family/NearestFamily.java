package io.moetier.runtime.model.family;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The known family that a configuration of an unknown one is most like: by the share of keys in common, then by how
/// many letters the names begin with in common.
///
/// A key counts if some family's description asks for it; what only stands in configurations (how the model was
/// trained, who wrote the file) is left aside.
///
/// @param common how many keys of the configuration are known in checkpoints of the family
/// @param unknownKeys the others of its keys
/// @param missing keys that the family needs and the configuration does not have
record NearestFamily(Family family, int common, Set<String> unknownKeys, Set<String> missing) {
    private static final String TYPE = "model_type";

    /// A family with the keys that its description asks for, and those of its example.
    private record Keys(Family family, Set<String> read, Set<String> example) {
        private static Keys of(Family family) {
            JsonObject example = family.exampleConfig();
            Set<String> read = new HashSet<>();
            family.describe(example.reporting(read::add));
            return new Keys(family, read, keysOf(example));
        }

        /// Returns the keys that its checkpoints have and that matter.
        private Set<String> usual() {
            Set<String> usual = new HashSet<>(example);
            usual.retainAll(read);
            return usual;
        }

        /// Of an object that the example has not, it is not known which keys would be read.
        private boolean knows(String key) {
            int dot = key.indexOf('.');
            return read.contains(key)
                    || example.contains(key)
                    || (dot > 0
                            && read.contains(key.substring(0, dot))
                            && example.stream().noneMatch(each -> each.startsWith(key.substring(0, dot + 1))));
        }
    }

    static NearestFamily of(JsonObject config, List<Family> families) {
        List<Keys> all = families.stream().map(Keys::of).toList();
        Set<String> given = keysOf(config);
        given.removeAll(FamilyExamples.unread());
        given.remove(TYPE);
        String name = String.valueOf(config.value(TYPE));
        Keys nearest = all.stream()
                .max(Comparator.<Keys>comparingDouble(keys -> similarity(given, keys.usual()))
                        .thenComparingInt(
                                keys -> commonBeginning(name, keys.family().modelType())))
                .orElseThrow();
        Set<String> unknownKeys = new TreeSet<>(given);
        unknownKeys.removeIf(nearest::knows);
        return new NearestFamily(
                nearest.family(), given.size() - unknownKeys.size(), unknownKeys, missing(config, nearest));
    }

    /// Returns the error that says so.
    MalformedModelException unknown(JsonObject config) {
        return MalformedModelException.of(
                config.source(),
                TYPE,
                "a family that `moetier families` lists",
                config.value(TYPE) + "; the nearest is " + family.modelType() + ", which knows " + common
                        + " of its keys"
                        + (unknownKeys.isEmpty() ? "" : ", does not know " + String.join(", ", unknownKeys))
                        + (missing.isEmpty() ? "" : ", and needs " + String.join(", ", missing)));
    }

    /// Returns the keys of the example without which a configuration that has all others cannot be described.
    private static Set<String> missing(JsonObject config, Keys nearest) {
        Family family = nearest.family();
        JsonObject example = family.exampleConfig();
        JsonObject filled = config.withDefaults(example.asMap());
        JsonObject whole = describes(family, filled) ? filled : example;
        Set<String> missing = new TreeSet<>(example.keys());
        missing.removeIf(
                key -> config.has(key) || !nearest.read().contains(key) || describes(family, whole.without(key)));
        return missing;
    }

    private static boolean describes(Family family, JsonObject config) {
        try {
            family.describe(config);
            return true;
        } catch (MalformedModelException | IllegalArgumentException e) {
            return false;
        }
    }

    /// Returns the keys that have a value, with dots between those of nested objects.
    static Set<String> keysOf(JsonObject config) {
        Set<String> keys = new HashSet<>();
        for (String key : config.keys()) {
            Object value = config.asMap().get(key); // whatever it is, a number that is not finite too
            if (value instanceof Map) {
                keysOf(config.requireObject(key)).forEach(inner -> keys.add(key + "." + inner));
            } else if (value != null) {
                keys.add(key);
            }
        }
        return keys;
    }

    private static double similarity(Set<String> one, Set<String> other) {
        int common = (int) one.stream().filter(other::contains).count();
        return (double) common / (one.size() + other.size() - common);
    }

    private static int commonBeginning(String one, String other) {
        int length = 0;
        while (length < Math.min(one.length(), other.length()) && one.charAt(length) == other.charAt(length)) {
            length++;
        }
        return length;
    }
}
