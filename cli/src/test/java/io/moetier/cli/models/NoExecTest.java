package io.moetier.cli.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.CommandLineRun;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Folders of users and for temporary files that are mounted `noexec`, as guides to hardening have it.
class NoExecTest {
    /// Runs the rest of the command line where nothing in the folder $0 may be executed.
    private static final String IN_FOLDER =
            "mount -t tmpfs -o noexec none \"$0\" && mkdir \"$0/cache\" \"$0/tmp\" && exec \"$@\"";

    @TempDir
    Path directory;

    @Test
    void bothFoldersAreNamedWhereNoLibraryCanBeLoaded() throws IOException, InterruptedException {
        Path folder = Files.createDirectory(directory.resolve("noexec"));
        // a user who may not mount in a namespace of his own checks nothing here
        if (ChildProcess.run(new ProcessBuilder(in(folder, "true"))).exitCode() == 0) {
            Path log = directory.resolve("log");
            Path cache = folder.resolve("cache");
            Path temporary = folder.resolve("tmp");
            int exitCode = CommandLineRun.await(
                    log,
                    in(folder, "env", "MOETIER_CACHE=" + cache),
                    List.of("-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + temporary),
                    "run",
                    TestData.tinyMixtral().toString(),
                    "Once",
                    "-n",
                    "1");
            String said = Files.readString(log);
            assertEquals(1, exitCode, said);
            String why = ": nothing in it may be executed (it is mounted noexec)";
            assertTrue(
                    said.matches("(?s).*\\Rmoetier: cannot unpack the tokenizer library: \\Q" + cache
                            + "\\E/tokenizers-\\S+\\Q" + why + "; in its place " + temporary
                            + "\\E/moetier-native-[-0-9a-f]{36}\\Q"
                            + why
                            + "\\E\\R"),
                    said);
        }
    }

    private static List<String> in(Path folder, String... command) {
        List<String> all = new ArrayList<>(
                List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", IN_FOLDER, folder.toString()));
        all.addAll(List.of(command));
        return all;
    }
}
