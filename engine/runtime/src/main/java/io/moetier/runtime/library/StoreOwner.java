package io.moetier.runtime.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// Whose a store in the cache is. A cache may be open to others, and a store that somebody else put there would pass
/// for one that was made of the user's own model.
final class StoreOwner {
    private static final Path SELF = Path.of("/proc/self");

    private StoreOwner() {}

    /// Returns what to say of a store that belongs neither to this user nor to whom the model belongs; nothing where
    /// owners cannot be told.
    static Optional<String> warning(Path store, Path model, CacheFolder cache) {
        try {
            return warning(store, model, owner(store), trusted(model)).map(text -> text + "; " + cache.elsewhere());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    static Optional<String> warning(Path store, Path model, UserPrincipal owner, Set<UserPrincipal> trusted) {
        return trusted.contains(owner)
                ? Optional.empty()
                : Optional.of(store + " belongs to " + owner.getName() + ", neither to you nor to whom " + model
                        + " belongs, and may hold another model");
    }

    private static Set<UserPrincipal> trusted(Path model) throws IOException {
        Set<UserPrincipal> trusted = new HashSet<>();
        trusted.add(owner(SELF));
        trusted.add(owner(model));
        return trusted;
    }

    private static UserPrincipal owner(Path path) throws IOException {
        return Files.getOwner(path);
    }
}
