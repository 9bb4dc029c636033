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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A store of the cache that somebody else made is not run without a word.
class StoreOwnerTest {
    @TempDir
    Path directory = Path.of("");

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
}
