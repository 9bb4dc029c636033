package io.moetier.cluster.membership;

import io.moetier.storage.format.UnsafeCharacters;
import java.nio.charset.StandardCharsets;

/// One process of a cluster.
///
/// @param id tells this process from all others, also from one of that name that was there before
/// @param name what people call it
/// @param place `HOST:PORT` at which other members reach it, and join; empty if it is not known
/// @param offer what others may use of it
public record Member(String id, String name, String place, Offer offer) {
    /// Bytes of a name, at most: names stand in tables, which have bytes.
    private static final int MAX_NAME_BYTES = 200;

    /// Checks what people are to call a process.
    ///
    /// @throws IllegalArgumentException if it is no name, in one sentence
    public static void requireName(String name) {
        boolean fits = !name.isEmpty() && name.getBytes(StandardCharsets.UTF_8).length <= MAX_NAME_BYTES;
        if (!fits || name.codePoints().anyMatch(UnsafeCharacters::isUnsafe)) {
            throw new IllegalArgumentException("name: 1 to " + MAX_NAME_BYTES + " bytes, all of which can be shown");
        }
    }

    /// Returns what tells it from others that have its name.
    public String nameWithPlace() {
        return name + "@" + place;
    }
}
