package io.moetier.storage.cache;

import java.util.List;
import java.util.function.IntToLongFunction;

/// The eviction policies by the names a user gives them.
public final class Policies {
    /// Before the name of a policy: one such policy for each layer, with an equal part of the slots.
    public static final String LAYER_PREFIX = "layer:";

    private static final String STATIC = "static";
    private static final List<String> NAMES =
            List.of("lru", "lfu", "lfu-decay", "lfru", "slru", "tinylfu", STATIC, "gate");

    private Policies() {}

    /// Returns the known names; each may also stand behind [#LAYER_PREFIX].
    public static List<String> names() {
        return NAMES;
    }

    /// Returns the known names for an error message.
    public static String describe() {
        return String.join(", ", NAMES) + ", or " + LAYER_PREFIX + " and one of them";
    }

    /// Says whether `name` is known.
    public static boolean isKnown(String name) {
        return NAMES.contains(inner(name));
    }

    /// Says whether the policy needs a census, which only [#of(String, IntToLongFunction)] takes.
    public static boolean needsCensus(String name) {
        return inner(name).equals(STATIC);
    }

    /// Returns the name of the policy that is best for so many slots of so many experts: `gate`, which finds the most,
    /// where not every expert has a slot, else `lru`, which costs the least.
    public static String nameByRoom(int numSlots, int numExperts) {
        return numSlots < numExperts ? "gate" : "lru";
    }

    /// Returns what makes the policy that [#nameByRoom] names.
    public static PolicyFactory byRoom() {
        return (ids, numSlots) -> of(nameByRoom(numSlots, ids.length)).create(ids, numSlots);
    }

    /// Returns the policy `name`.
    ///
    /// @throws IllegalArgumentException if the name is unknown or that of a policy that needs a census
    public static PolicyFactory of(String name) {
        if (name.startsWith(LAYER_PREFIX)) {
            PolicyFactory inner = of(inner(name));
            return (ids, numSlots) -> new LayerQuotaPolicy(ids, numSlots, inner);
        }
        return switch (name) {
            case "lru" -> (ids, numSlots) -> new LruPolicy(ids);
            case "lfu" -> (ids, numSlots) -> new LfuPolicy(ids, numSlots, LfuPolicy.NO_DECAY);
            case "lfu-decay" -> (ids, numSlots) -> new LfuPolicy(ids, numSlots, LfuPolicy.DECAY_PER_TOKEN);
            case "lfru" -> LfruPolicy::new;
            case "slru" -> SlruPolicy::new;
            case "tinylfu" -> TinyLfuPolicy::new;
            case "gate" -> GatePolicy::new;
            case STATIC ->
                throw new IllegalArgumentException(
                        "the policy static needs a census: counts of how often each expert was chosen");
            default ->
                throw new IllegalArgumentException("unknown policy '" + name + "': expected one of " + describe());
        };
    }

    /// Returns the policy `name`, which may be one that needs the census `counts`: from a packed id to how
    /// often that expert was chosen.
    ///
    /// @throws IllegalArgumentException if the name is unknown
    public static PolicyFactory of(String name, IntToLongFunction counts) {
        if (!needsCensus(name)) {
            return of(name);
        }
        PolicyFactory inner = (ids, numSlots) -> new StaticPolicy(ids, numSlots, counts);
        return name.equals(STATIC) ? inner : (ids, numSlots) -> new LayerQuotaPolicy(ids, numSlots, inner);
    }

    private static String inner(String name) {
        return name.startsWith(LAYER_PREFIX) ? name.substring(LAYER_PREFIX.length()) : name;
    }
}
