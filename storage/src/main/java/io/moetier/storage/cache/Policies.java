package io.moetier.storage.cache;

import java.util.List;
import java.util.function.IntToLongFunction;

/// The eviction policies by the names a user gives them.
public final class Policies {
    private static final String STATIC = "static";
    private static final List<String> NAMES = List.of("lru", "lfu", "tinylfu", STATIC);

    private Policies() {}

    /// Returns the known names.
    public static List<String> names() {
        return NAMES;
    }

    /// Says whether the policy needs a census, which only [#of(String, IntToLongFunction)] takes.
    public static boolean needsCensus(String name) {
        return name.equals(STATIC);
    }

    /// Returns the policy `name`.
    ///
    /// @throws IllegalArgumentException if the name is unknown or that of a policy that needs a census
    public static PolicyFactory of(String name) {
        return switch (name) {
            case "lru" -> (ids, numSlots) -> new LruPolicy(ids);
            case "lfu" -> LfuPolicy::new;
            case "tinylfu" -> TinyLfuPolicy::new;
            case STATIC ->
                throw new IllegalArgumentException(
                        "the policy static needs a census: counts of how often each expert was chosen");
            default ->
                throw new IllegalArgumentException(
                        "unknown policy '" + name + "': expected one of " + String.join(", ", NAMES));
        };
    }

    /// Returns the policy `name`, which may be one that needs the census `counts`: from a packed id to how often that
    /// expert was chosen.
    ///
    /// @throws IllegalArgumentException if the name is unknown
    public static PolicyFactory of(String name, IntToLongFunction counts) {
        return needsCensus(name) ? (ids, numSlots) -> new StaticPolicy(ids, numSlots, counts) : of(name);
    }
}
