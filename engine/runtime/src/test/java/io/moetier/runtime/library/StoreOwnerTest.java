package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// A store of the cache that somebody else made is not run without a word.
class StoreOwnerTest {
    private static final UserPrincipal USER = () -> "user";
    private static final UserPrincipal ADMINISTRATOR = () -> "administrator";
    private static final UserPrincipal STRANGER = () -> "stranger";

    @Test
    void thoseOfTheUserAndOfWhomTheModelBelongsToAreTrusted() {
        Set<UserPrincipal> trusted = Set.of(USER, ADMINISTRATOR);
        assertEquals(Optional.empty(), warning(USER, trusted));
        assertEquals(Optional.empty(), warning(ADMINISTRATOR, trusted));
        assertEquals(
                "s.mtier belongs to stranger, neither to you nor to whom m.gguf belongs, and may hold another model",
                warning(STRANGER, trusted).orElseThrow());
    }

    private static Optional<String> warning(UserPrincipal owner, Set<UserPrincipal> trusted) {
        return StoreOwner.warning(Path.of("s.mtier"), Path.of("m.gguf"), owner, trusted);
    }
}
