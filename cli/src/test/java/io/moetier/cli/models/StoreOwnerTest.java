package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.terminal.Failure;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A store of the cache that somebody else made is not run without a word.
class StoreOwnerTest {
    private static final UserPrincipal USER = () -> "user";
    private static final UserPrincipal ADMINISTRATOR = () -> "administrator";
    private static final UserPrincipal STRANGER = () -> "stranger";

    @TempDir
    Path directory = Path.of("");

    @Test
    void thoseOfTheUserAndOfWhomTheModelBelongsToAreTrusted() {
        Set<UserPrincipal> trusted = Set.of(USER, ADMINISTRATOR);
        assertEquals(Optional.empty(), warning(USER, trusted));
        assertEquals(Optional.empty(), warning(ADMINISTRATOR, trusted));
        assertEquals(
                "s.mtier belongs to stranger, neither to you nor to whom m.gguf belongs, and may hold another model;"
                        + " MOETIER_CACHE names a folder of your own for the cache",
                warning(STRANGER, trusted).orElseThrow());
    }

    /// Only who may give files away can try it; the other test stands for this one elsewhere.
    @Test
    void aRunSaysWhoseItsStoreIs() throws IOException {
        String[] run = {"run", TestData.golden("mixtral").toString(), "--ids", "1", "-n", "1", "--temp", "0"};
        CommandLineRun own = CommandLineRun.inProcess(directory, run);
        assertEquals(Failure.OK, own.exitCode(), own::err);
        assertFalse(own.err().contains(" belongs to "), own.err());
        if (giveAway(stores().getFirst())) {
            CommandLineRun given = CommandLineRun.inProcess(directory, run);
            assertEquals(Failure.OK, given.exitCode(), given::err);
            assertTrue(given.err().contains(".mtier belongs to nobody, neither to you "), given.err());
            assertEquals(own.out(), given.out());
        }
    }

    private List<Path> stores() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(".mtier")).toList();
        }
    }

    private static boolean giveAway(Path store) {
        try {
            Files.setOwner(
                    store,
                    FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static Optional<String> warning(UserPrincipal owner, Set<UserPrincipal> trusted) {
        return StoreOwner.warning(Path.of("s.mtier"), Path.of("m.gguf"), owner, trusted);
    }
}
